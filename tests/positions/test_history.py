"""What a position becomes by what happens to it, and what its parts come to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import DeliveryState, ExitReason
from services.positions.domain.exits import Exit
from services.positions.domain.history import Arrived, Ended, Happened, Lost, Moved, Reduced, at_ms, happen
from services.positions.domain.holding import Holding, Leg, close, part
from services.positions.domain.life import Fact, State
from services.positions.domain.plans import SCALED
from tests.positions.builders import GOLD, START_MS, a_holding

TARGETS = (4002.1, 4003.1, 4005.1)


def an_exit(level: float, price: float | None = None, reason: ExitReason = ExitReason.TARGET) -> Exit:
    price = level if price is None else price
    return Exit(reason=reason, level=level, price=price, slippage_pips=0.0, closed_ms=START_MS + 1000)


def scaled(**changes: object) -> Holding:
    return a_holding(plan=SCALED, targets=TARGETS, **changes)


def reduced(holding: Holding, level: float) -> Holding:
    leg = part(holding, GOLD, an_exit(level))
    assert leg is not None
    return happen(holding, Reduced(leg)).holding


def test_parts_are_closed_by_their_share_and_the_whole_is_their_sum() -> None:
    holding = reduced(reduced(scaled(), 4002.1), 4003.1)

    closing = close(holding, GOLD, an_exit(4005.1))

    assert [(leg.number, leg.share, leg.pnl, leg.r) for leg in holding.legs] == [
        (1, Decimal("0.40"), Decimal("0.80"), 0.4), (2, Decimal("0.35"), Decimal("1.05"), 0.525),
    ]  # fmt: skip
    assert holding.share_left == Decimal("0.25")
    assert (closing.pnl, closing.r) == (Decimal("3.10"), 1.55)


def test_what_is_left_after_the_first_target_earns_nothing_at_break_even() -> None:
    holding = reduced(scaled(), 4002.1)

    closing = close(holding, GOLD, an_exit(4000.1, reason=ExitReason.BREAK_EVEN))

    assert (closing.pnl, closing.r) == (Decimal("0.80"), 0.4)


@pytest.mark.parametrize("level", [4002.1, 4005.1, 4001.0])
def test_a_target_that_is_not_the_next_closes_no_part(level: float) -> None:
    assert part(reduced(scaled(), 4002.1), GOLD, an_exit(level)) is None


def test_the_last_target_closes_no_part_but_the_trade() -> None:
    assert part(a_holding(), GOLD, an_exit(4003.1)) is None


def test_a_stop_only_gets_tighter() -> None:
    holding, facts = happen(a_holding(), Moved(4000.1, ExitReason.BREAK_EVEN, START_MS))

    assert (holding.stop, holding.stop_reason, facts) == (4000.1, ExitReason.BREAK_EVEN, (Fact.MOVED,))
    for stop in (4000.1, 3999.0):
        assert happen(holding, Moved(stop, ExitReason.TRAILING, START_MS)) == (holding, ())


def test_a_part_counts_once() -> None:
    before = scaled()
    leg = part(before, GOLD, an_exit(4002.1))
    assert leg is not None
    once = happen(before, Reduced(leg)).holding

    assert happen(once, Reduced(leg)) == (once, ())


ANYTHING: st.SearchStrategy[Happened] = st.one_of(
    st.builds(Arrived, st.sampled_from(list(DeliveryState))),
    st.builds(Lost, st.none(), st.just("blocked")),
    st.builds(Moved, st.sampled_from([3997.0, 3999.0, 4000.1]), st.just(ExitReason.TRAILING), st.just(START_MS)),
    st.builds(Ended, st.sampled_from([an_exit(4005.1), an_exit(3998.1, reason=ExitReason.STOP)])),
    st.builds(
        Reduced,
        st.builds(
            Leg, number=st.integers(1, 3), share=st.just(Decimal("0.4")), exit=st.just(an_exit(4002.1)),
            pnl=st.just(Decimal(1)), r=st.just(0.4),
        ),
    ),
)  # fmt: skip


@given(st.lists(ANYTHING, max_size=15))
def test_whatever_happens_versions_count_what_counted_and_an_end_is_final(story: list[Happened]) -> None:
    holding, counted = scaled(state=State.PROPOSED, version=1), 0
    for happened in story:
        was, (holding, facts) = holding, happen(holding, happened)
        counted += holding != was
        assert facts == () or holding != was
        assert was.state not in {State.CLOSED, State.VOID} or holding == was
        assert holding.stop >= was.stop

    assert holding.version == 1 + counted
    assert [leg.number for leg in holding.legs] == list(range(1, len(holding.legs) + 1))


def test_each_event_knows_its_market_time() -> None:
    holding = a_holding(quote_ms=7)

    assert at_ms(Arrived(DeliveryState.DELIVERED), holding) == 7
    assert at_ms(Lost(None, "x"), holding) == 7
    assert at_ms(Moved(1.0, ExitReason.STOP, 9), holding) == 9
    assert at_ms(Ended(an_exit(1.0)), holding) == START_MS + 1000
    leg = part(scaled(), GOLD, an_exit(4002.1))
    assert leg is not None
    assert at_ms(Reduced(leg), holding) == START_MS + 1000
