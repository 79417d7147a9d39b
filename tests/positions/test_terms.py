"""What a signal offers, people, days, pictures."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Interval, Side
from services.positions.domain.chart import Picture, last_closed_s, wish
from services.positions.domain.day import DaySpan, day_of
from services.positions.domain.exits import Price
from services.positions.domain.subscriber import (
    Access,
    AccessRule,
    UnknownLanguageError,
    checked_language,
    first_language,
)
from services.positions.domain.terms import price_signal
from tests.positions.builders import GOLD, NOON, a_signal

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("side", "entry", "stop", "target"), [(Side.BUY, 4000.1, 3998.1, 4003.1), (Side.SELL, 3999.9, 4001.9, 3996.9)]
)
def test_a_position_opens_at_the_quote_with_the_distances_of_the_signal(
    side: Side, entry: float, stop: float, target: float
) -> None:
    terms = price_signal(a_signal(side=side), GOLD)

    assert (terms.entry, terms.stop, terms.targets) == (entry, stop, (target,))
    assert terms.risk(Decimal("0.02")) == Decimal("4.00")


@given(st.floats(0.0, 0.5), st.floats(0.5, 50.0), st.sampled_from(list(Side)))
def test_the_reward_for_the_risk_stays_what_the_signal_says(half: float, risk: float, side: Side) -> None:
    quote = {"bid": round(4000 - half, 2), "ask": round(4000 + half, 2)}
    signal = a_signal(side=side, stop=4000 - risk * side.sign, targets=(4000 + 2 * risk * side.sign,), **quote)

    terms = price_signal(signal, GOLD)

    assert abs(terms.targets[0] - terms.entry) / abs(terms.entry - terms.stop) == pytest.approx(2.0, abs=0.05)


def test_a_message_may_be_sent_as_long_as_its_signal_is_valid() -> None:
    signal = a_signal(valid_for_s=45)

    assert price_signal(signal, GOLD).expires_at == signal.at + timedelta(seconds=45)


@pytest.mark.parametrize(
    ("access", "let_in"),
    [(Access.OPEN, {1, 2, 3}), (Access.ALLOW_LIST, {1, 2}), (Access.OPERATORS, {1})],
)
def test_who_is_let_in(access: Access, let_in: set[int]) -> None:
    rule = AccessRule(access=access, operator_ids=frozenset({1}), allowed_ids=frozenset({2}))

    assert {person for person in (1, 2, 3) if rule.is_allowed(person)} == let_in


@pytest.mark.parametrize(
    ("wanted", "spoken"), [("en", "en"), ("en-GB", "en"), ("ID", "id"), ("de", "id"), (None, "id")]
)
def test_a_newcomer_is_spoken_to_in_his_language_where_it_is_known(wanted: str | None, spoken: str) -> None:
    assert first_language(wanted, "id") == spoken


def test_a_language_that_is_not_spoken_is_refused() -> None:
    assert checked_language("en") == "en"
    with pytest.raises(UnknownLanguageError, match="id, en"):
        checked_language("de")


def test_the_day_is_the_subscribers_own() -> None:
    evening_utc = int(datetime(2026, 1, 5, 18, tzinfo=UTC).timestamp() * 1000)  # 01:00 of the 6th in Jakarta

    assert day_of(evening_utc, "Asia/Jakarta") == DaySpan(evening_utc - HOUR_MS, evening_utc + 23 * HOUR_MS)


def test_a_day_on_which_clocks_change_is_as_long_as_it_is() -> None:
    spring = day_of(int(datetime(2026, 3, 8, 18, tzinfo=UTC).timestamp() * 1000), "America/New_York")
    autumn = day_of(int(datetime(2026, 11, 1, 18, tzinfo=UTC).timestamp() * 1000), "America/New_York")

    assert [(day.to_ms - day.from_ms) // HOUR_MS for day in (spring, autumn)] == [23, 25]


def a_picture(**changes: object) -> Picture:
    values = {
        "symbol": "XAUUSD", "interval": Interval.M1, "until_s": 1200, "language": "id", "time_zone": "Asia/Jakarta",
        "levels": price_signal(a_signal(), GOLD).levels,
    } | changes  # fmt: skip
    return Picture(**values)  # type: ignore[arg-type]


def test_equal_pictures_have_one_key_and_others_another() -> None:
    others = [
        a_picture(until_s=1260), a_picture(language="en"), a_picture(time_zone="UTC"), a_picture(levels=None),
        a_picture(levels=price_signal(a_signal(side=Side.SELL), GOLD).levels), a_picture(interval=Interval.M5),
    ]  # fmt: skip

    assert a_picture().key == a_picture().key
    assert len({a_picture().key, *(other.key for other in others)}) == 7


def test_a_wish_for_a_picture_carries_its_key() -> None:
    drawing = wish(a_picture(), at=NOON, trace="t")

    assert (drawing.key, drawing.id) == (a_picture().key, f"draw:{a_picture().key}")


def test_the_last_closed_candle_is_the_one_before_the_running_one() -> None:
    assert last_closed_s(125_000, Interval.M1) == 60
    assert last_closed_s(120_000, Interval.M1) == 60


@pytest.mark.parametrize(
    ("after_ms", "ask", "has_left"), [(1, 4000.7, False), (1, 4000.71, True), (1, 3999.49, True), (0, 4009.0, False)]
)
def test_a_signal_is_left_behind_by_three_tenths_of_its_stop_distance(
    after_ms: int, ask: float, has_left: bool
) -> None:
    terms = price_signal(a_signal(), GOLD)

    assert terms.has_left(Price(terms.quote_ms + after_ms, ask - 0.2, ask)) is has_left
