"""Live beside tested: nothing is forgiven, and what differs is told by its name."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from contracts.messages import (
    ExitReason,
    Interval,
    Mode,
    PositionClosed,
    PositionProposed,
    PositionReduced,
    Side,
    SignalRaised,
)
from research.parity import Account, Outcome, Reduction, Taken, account_of_rooms, as_document, compare

NOON_S = 1_767_614_400  # Monday 2026-01-05 12:00 UTC
AT = datetime(2026, 1, 5, 12, 1, tzinfo=UTC)

SIGNAL = SignalRaised(
    id="s:1", at=AT, symbol="XAUUSD", interval=Interval.M1, strategy="trend_pullback", strategy_version="1.0.0",
    mode=Mode.AUTO, side=Side.BUY, entry=4000.0, stop=3998.0, targets=(4003.0,), rr=1.5, strength=0.5, score=6,
    reasons=("reason.told",), lots=Decimal("0.01"), candle_open_s=NOON_S, bid=3999.9, ask=4000.1,
    quote_ms=NOON_S * 1000 + 59_000,
)  # fmt: skip
OUTCOME = Outcome(
    reason=ExitReason.TARGET, level=4003.1, exit=4003.15, slippage_pips=0.5, closed_ms=SIGNAL.quote_ms + 90_000,
    pnl=Decimal("3.05"), r=1.525,
)  # fmt: skip
TRADE = Taken(
    signal_id="s:1", side=Side.BUY, entry=4000.1, stop=3998.1, targets=(4003.1,), opened_ms=SIGNAL.quote_ms,
    outcome=OUTCOME,
)  # fmt: skip
HALF = Reduction(
    number=1, share=Decimal("0.40"), level=4002.1, exit=4002.1, closed_ms=SIGNAL.quote_ms + 5_000, pnl=Decimal("0.80"),
    r=0.4,
)  # fmt: skip
BOTH = Account([SIGNAL], [TRADE])


def told(tested: Account, live: Account = BOTH) -> list[tuple[str, str]]:
    return [(one.what, one.field) for one in compare(live, tested)]


def test_the_same_account_twice_is_identical() -> None:
    assert as_document(BOTH, compare(BOTH, BOTH)) == {
        "identical": True,
        "signals": 1,
        "exits": 1,
        "differences": [],
    }


def test_what_is_of_delivery_is_not_looked_at() -> None:
    later = msgspec.structs.replace(SIGNAL, at=datetime(2026, 1, 6, tzinfo=UTC), trace="00-1", valid_for_s=5)

    assert told(Account([later], [TRADE])) == []


def test_a_price_that_is_off_by_its_last_bit_differs() -> None:
    nearly = msgspec.structs.replace(SIGNAL, stop=3998.0000000000005)

    assert told(Account([nearly], [TRADE])) == [("signal", "stop")]


def test_a_signal_and_a_trade_of_one_side_only_are_told_once_each() -> None:
    nothing = Account([], [])

    assert told(nothing) == [("signal", "is there"), ("entry", "is there")]
    assert told(BOTH, live=nothing) == [("signal", "is there"), ("entry", "is there")]


def test_a_trade_that_ended_on_one_side_only_differs_in_its_exit() -> None:
    assert told(Account([SIGNAL], [replace(TRADE, outcome=None)])) == [("exit", "is there")]


def test_every_cent_of_an_exit_counts() -> None:
    dearer = replace(OUTCOME, pnl=Decimal("3.06"), closed_ms=OUTCOME.closed_ms + 1000)

    assert told(Account([SIGNAL], [replace(TRADE, outcome=dearer)])) == [("exit", "closed_ms"), ("exit", "pnl")]


def test_parts_are_compared_one_by_one() -> None:
    parted = replace(TRADE, reductions=(HALF,))
    otherwise = replace(TRADE, reductions=(replace(HALF, share=Decimal("0.35")),))

    assert told(Account([SIGNAL], [parted])) == [("reduction", "is there")]
    assert told(Account([SIGNAL], [parted]), Account([SIGNAL], [otherwise])) == [("reduction", "share")]


def test_differences_come_in_the_order_of_time() -> None:
    earlier = msgspec.structs.replace(SIGNAL, id="s:0", quote_ms=SIGNAL.quote_ms - 60_000)

    found = compare(Account([SIGNAL], []), Account([earlier], []))

    assert [one.signal_id for one in found] == ["s:0", "s:1"]


def test_a_verdict_is_json() -> None:
    otherwise = replace(TRADE, targets=(4003.2,), outcome=replace(OUTCOME, pnl=Decimal("3.10")))

    document = as_document(BOTH, compare(BOTH, Account([SIGNAL], [otherwise])))

    assert json.loads(json.dumps(document))["differences"] == [
        {"what": "entry", "signal": "s:1", "field": "targets", "live": [4003.1], "tested": [4003.2]},
        {"what": "exit", "signal": "s:1", "field": "pnl", "live": "3.05", "tested": "3.10"},
    ]


def test_the_rooms_messages_become_the_same_account() -> None:
    proposed = PositionProposed(
        id="p:1:proposed", at=AT, position_id="p:1", subscriber_id=7, signal_id="s:1", symbol="XAUUSD", side=Side.BUY,
        entry=4000.1, stop=3998.1, targets=(4003.1,), lots=Decimal("0.01"), quote_ms=SIGNAL.quote_ms,
    )  # fmt: skip
    reduced = PositionReduced(
        id="p:1:reduced:1", at=AT, position_id="p:1", subscriber_id=7, symbol="XAUUSD", number=1,
        share=Decimal("0.40"), level=4002.1, exit=4002.1, slippage_pips=0.0, pnl=Decimal("0.80"), r=0.4,
        closed_ms=SIGNAL.quote_ms + 5_000,
    )  # fmt: skip
    closed = PositionClosed(
        id="p:1:closed", at=AT, position_id="p:1", subscriber_id=7, signal_id="s:1", symbol="XAUUSD", side=Side.BUY,
        reason=ExitReason.TARGET, entry=4000.1, level=4003.1, exit=4003.15, slippage_pips=0.5, lots=Decimal("0.01"),
        pnl=Decimal("3.05"), r=1.525, opened_ms=SIGNAL.quote_ms, closed_ms=OUTCOME.closed_ms,
    )  # fmt: skip

    account = account_of_rooms([SIGNAL], [proposed], [reduced], [closed])

    assert compare(account, Account([SIGNAL], [replace(TRADE, reductions=(HALF,))])) == ()
    assert account_of_rooms([SIGNAL], [proposed], [], []).trades == [replace(TRADE, outcome=None)]
