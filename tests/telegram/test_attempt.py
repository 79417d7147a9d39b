"""What a row allows next."""

from itertools import product

import pytest

from contracts.messages import DeliveryState, SendClass
from services.telegram.domain.attempt import (
    REPEATED,
    Call,
    Close,
    Progress,
    Row,
    Settled,
    Wait,
    after_unknown,
    backoff_s,
    patience_s,
    plan,
)


def row(state=Progress.WAITING, **more):
    return Row(send_id="m:1", state=state, **more)


def decide(found, kind=SendClass.SIGNAL, *, is_idempotent=False, is_expired=False):
    return plan(found, kind, is_idempotent=is_idempotent, is_expired=is_expired)


def test_a_new_send_is_called_once():
    assert decide(None) == Call(1)


def test_a_new_send_that_is_too_old_is_not_called():
    assert decide(None, is_expired=True) == Close(DeliveryState.EXPIRED, "expired")


def test_a_send_that_waited_is_called_again_without_a_mark():
    found = decide(row(attempts=3))

    assert found == Call(4)
    assert not found.is_repeat


def test_a_send_whose_rest_is_not_over_waits_unless_it_expires():
    assert decide(row(attempts=3, rest_s=4.5)) == Wait(4.5)
    assert decide(row(attempts=3, rest_s=4.5), is_expired=True) == Close(DeliveryState.EXPIRED, "expired")


@pytest.mark.parametrize("state", list(DeliveryState))
def test_what_ended_is_only_told_again(state):
    assert isinstance(decide(row(state), is_expired=True), Settled)


@pytest.mark.parametrize("kind", [SendClass.SIGNAL, SendClass.EXIT])
def test_an_interrupted_signal_or_exit_is_repeated_once_with_a_mark(kind):
    found = decide(row(Progress.ATTEMPTING, attempts=1), kind)

    assert found == Call(2, repeats=1)
    assert found.is_repeat
    again = decide(row(Progress.ATTEMPTING, attempts=2, repeats=1), kind)
    assert again == Close(DeliveryState.UNKNOWN, "interrupted")


@pytest.mark.parametrize("kind", [SendClass.REPLY, SendClass.STOP, SendClass.DASHBOARD, SendClass.BROADCAST])
def test_other_interrupted_sends_are_settled_unknown(kind):
    assert decide(row(Progress.ATTEMPTING, attempts=1), kind) == Close(DeliveryState.UNKNOWN, "interrupted")


def test_an_interrupted_edit_is_simply_made_again():
    assert decide(row(Progress.ATTEMPTING, attempts=1), SendClass.PICTURE, is_idempotent=True) == Call(2)


def test_a_send_that_may_have_been_seen_never_ends_as_expired():
    interrupted = row(Progress.ATTEMPTING, attempts=1)
    repeated = row(Progress.WAITING, attempts=2, repeats=1)

    assert decide(interrupted, is_expired=True) == Close(DeliveryState.UNKNOWN, "expired")
    assert decide(repeated, is_expired=True) == Close(DeliveryState.UNKNOWN, "expired")
    assert decide(row(attempts=2), is_expired=True) == Close(DeliveryState.EXPIRED, "expired")


def test_nothing_is_ever_repeated_twice():
    for kind, is_idempotent in product(SendClass, (False, True)):
        repeats = after_unknown(kind, 1, is_idempotent=is_idempotent)
        assert repeats == (1 if is_idempotent else None)


def test_delays_grow_up_to_half_a_minute():
    assert [backoff_s(n) for n in (1, 2, 3, 7, 50)] == [0.5, 1.0, 2.0, 30.0, 30.0]


def test_only_what_is_never_made_again_is_waited_for_less_long():
    assert {kind for kind in SendClass if patience_s(kind, is_idempotent=False) is None} == REPEATED
    assert all(patience_s(kind, is_idempotent=True) is None for kind in SendClass)
