"""Which quotes are believed."""

import math

import pytest

from services.feed.domain.quotes import Quote
from services.feed.domain.ticks import JUMPS_BELIEVED, BadInput, Limits, TickCheck
from tests.feed.builders import NOON_MS, a_quote

LIMITS = Limits(max_spread=10.0, ahead_ms=60_000)


def judge(check: TickCheck, quote: Quote) -> BadInput | None:
    return check.judge(quote, NOON_MS + 10_000)


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        (Quote(NOON_MS, 0.0, 4000.0), BadInput.NON_POSITIVE),
        (Quote(NOON_MS, -4000.0, -3999.0), BadInput.NON_POSITIVE),
        (Quote(NOON_MS, 4000.0, math.inf), BadInput.NON_POSITIVE),
        (Quote(NOON_MS, math.nan, 4000.0), BadInput.NON_POSITIVE),
        (Quote(NOON_MS, 4000.1, 4000.0), BadInput.CROSSED),
        (Quote(NOON_MS, 4000.0, 4010.1), BadInput.WIDE_SPREAD),
        (Quote(NOON_MS + 70_001, 4000.0, 4000.1), BadInput.FUTURE),
    ],
)
def test_a_quote_that_cannot_be_is_dropped_for_its_reason(quote, reason) -> None:
    assert judge(TickCheck(LIMITS), quote) is reason


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        (a_quote(4), BadInput.BACKWARDS),
        (a_quote(5), BadInput.DUPLICATE),
        (a_quote(5, 4000.1), None),
        (a_quote(6), None),
        (a_quote(6, 4200.1), BadInput.JUMP),
        (a_quote(6, 3799.9), BadInput.JUMP),
        (a_quote(6, 4199.9), None),
    ],
)
def test_a_quote_is_judged_by_the_one_before_it(quote, reason) -> None:
    check = TickCheck(LIMITS)
    judge(check, a_quote(5))

    assert judge(check, quote) is reason


def test_a_refused_quote_changes_nothing() -> None:
    check = TickCheck(LIMITS)
    judge(check, a_quote(0))
    judge(check, a_quote(9, 5000))

    assert judge(check, a_quote(1)) is None


def test_a_new_level_is_believed_when_quotes_keep_agreeing_on_it() -> None:
    check = TickCheck(LIMITS)
    judge(check, a_quote(0))

    reasons = [judge(check, a_quote(1 + n, 4400 + n)) for n in range(JUMPS_BELIEVED + 2)]

    assert reasons == [BadInput.JUMP] * JUMPS_BELIEVED + [None, None]


def test_jumps_that_do_not_agree_are_never_believed() -> None:
    check = TickCheck(LIMITS)
    judge(check, a_quote(0))

    reasons = {judge(check, a_quote(1 + n, 6000 if n % 2 else 2000)) for n in range(3 * JUMPS_BELIEVED)}

    assert reasons == {BadInput.JUMP}


def test_a_good_quote_between_jumps_begins_their_count_again() -> None:
    check = TickCheck(LIMITS)
    judge(check, a_quote(0))
    for n in range(JUMPS_BELIEVED):
        judge(check, a_quote(1 + n / 10, 4400))
    judge(check, a_quote(3))

    assert judge(check, a_quote(4, 4400)) is BadInput.JUMP


def test_history_is_trusted_as_the_last_quote() -> None:
    check = TickCheck(LIMITS)
    judge(check, a_quote(0))
    check.trust(a_quote(1, 5000, is_backfilled=True))

    assert judge(check, a_quote(2, 5001)) is None
