"""Trying until it works: for work inside the process that nobody else would repeat."""

from collections.abc import Callable

import tenacity

from chassis.errors import TransientError

LONGEST_WAIT_S = 10.0


def patient(tell: Callable[[], None]) -> tenacity.AsyncRetrying:
    """Try until it works, with growing delay; `tell` is called once per failure that repeats."""

    def told(state: tenacity.RetryCallState) -> None:
        if state.attempt_number == 1:
            tell()

    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=LONGEST_WAIT_S),
        before_sleep=told,
        reraise=True,
    )
