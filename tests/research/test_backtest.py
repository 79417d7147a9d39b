"""Trades worked out by hand: when they open, at what price, how they end, and what they earn."""

from decimal import Decimal

import pytest

from contracts.messages import ExitReason, Interval, Side
from research.backtest import TooShortError, run_backtest
from research.candles import market_of
from research.market import Candles, Market, Ticks
from research.trades import SILENCE_MS, BacktestResult, Entry, Trade
from services.positions.domain.gates import GateRules, Refusal
from services.positions.domain.plans import Plan, Targets
from services.signals.domain.opinion import Signal
from tests.research.builders import GOLD, NOON_MS, NOON_S, Told, a_signal, candles_of, rules, ticks_at


def on_ticks(ticks: Ticks, said: dict[int, Signal], **changes: object) -> BacktestResult:
    """Run over quotes; `said` is by the minute of the candle."""
    strategy = Told({NOON_S + 60 * minute: signal for minute, signal in said.items()})
    return run_backtest(strategy, market_of("XAUUSD", ticks, Interval.M1), rules(**changes))


def on_candles(candles: Candles, said: dict[int, Signal], **changes: object) -> BacktestResult:
    """Run over candles alone."""
    strategy = Told({NOON_S + 60 * minute: signal for minute, signal in said.items()})
    return run_backtest(strategy, Market("XAUUSD", candles), rules(**changes))


def only(result: BacktestResult) -> Trade:
    (trade,) = result.trades
    return trade


def moment(trade: Trade) -> float:
    """When it ended, in seconds after noon."""
    return (trade.closed_ms - NOON_MS) / 1000


# --- on quotes -------------------------------------------------------------------------------------------------------


def test_a_buy_opens_at_the_ask_of_the_closing_quote_and_closes_at_the_bid() -> None:
    # The candle closes with 4000.00/4000.20, mid 4000.10: stop 2 below and target 3 above become 3998.20 and 4003.20.
    ticks = ticks_at((0, 4000.5), (55, 4000.0), (60, 4000.0), (61, 4003.15), (62, 4003.25), (63, 4010.0))

    trade = only(on_ticks(ticks, {0: a_signal(Side.BUY, 4000.1)}))

    assert (trade.entry, trade.stop, trade.targets) == (4000.2, 3998.2, (4003.2,))
    assert (trade.reason, trade.exit, moment(trade)) == (ExitReason.TARGET, 4003.25, 62)
    assert (trade.pnl, trade.r) == (Decimal("3.05"), 1.525)  # 3.05 of price on 0.01 lot; over 2.00 at risk


def test_a_sell_opens_at_the_bid_and_closes_at_the_ask() -> None:
    ticks = ticks_at((0, 4000.5), (55, 4000.0), (60, 4000.0), (61, 4001.75), (62, 4001.8), (63, 3990.0))

    trade = only(on_ticks(ticks, {0: a_signal(Side.SELL, 4000.1)}))

    # Entry 4000.00, stop 4002.00: the ask is 4001.95 at first, then 4002.00, which touches it.
    assert (trade.entry, trade.stop, trade.targets) == (4000.0, 4002.0, (3997.0,))
    assert (trade.reason, trade.exit, moment(trade)) == (ExitReason.STOP, 4002.0, 62)
    assert (trade.pnl, trade.r) == (Decimal("-2.00"), -1.0)


def test_a_gap_beyond_the_stop_is_had_at_the_first_price_behind_it() -> None:
    ticks = ticks_at((0, 4000.0), (60, 4000.0), (61, 3998.25), (62, 3995.0))

    trade = only(on_ticks(ticks, {0: a_signal(Side.BUY, 4000.1)}))

    assert (trade.exit, trade.parts[0].exit.level, trade.parts[0].exit.slippage_pips) == (3995.0, 3998.2, 32.0)
    assert (trade.pnl, trade.r) == (Decimal("-5.20"), -2.6)


def test_quotes_of_the_opening_millisecond_cannot_end_a_trade() -> None:
    ticks = ticks_at((0, 4000.0), (30, 3900.0), (30, 4000.0), (60, 4000.0), (61, 3990.0))

    trade = only(on_ticks(ticks, {0: a_signal(Side.BUY, 4000.1)}))

    assert moment(trade) == 61


def test_the_next_quote_opens_where_that_is_asked_for() -> None:
    ticks = ticks_at((0, 4000.0), (61, 4000.4), (62, 3998.5), (63, 3998.4))

    trade = only(on_ticks(ticks, {0: a_signal(Side.BUY, 4000.1)}, entry=Entry.NEXT))

    assert ((trade.opened_ms - NOON_MS) / 1000, trade.entry, trade.stop) == (61, 4000.6, 3998.6)
    assert (moment(trade), trade.exit) == (62, 3998.5)


def test_slippage_is_given_up_at_entry_and_at_the_stop() -> None:
    ticks = ticks_at((0, 4000.0), (60, 4000.0), (61, 3998.2))

    trade = only(on_ticks(ticks, {0: a_signal(Side.BUY, 4000.1)}, slippage=0.1))

    # The levels stand where the quote puts them; 0.10 is lost twice: 4000.30 to 3998.10.
    assert (trade.entry, trade.stop, trade.exit, trade.pnl) == (4000.3, 3998.2, 3998.1, Decimal("-2.20"))


def test_a_target_is_had_without_slippage() -> None:
    ticks = ticks_at((0, 4000.0), (60, 4000.0), (61, 4003.2))

    trade = only(on_ticks(ticks, {0: a_signal(Side.BUY, 4000.1)}, slippage=0.1))

    assert (trade.entry, trade.exit, trade.pnl) == (4000.3, 4003.2, Decimal("2.90"))


def test_a_trade_that_the_data_leaves_open_counts_nowhere() -> None:
    found = on_ticks(ticks_at((0, 4000.0), (61, 4000.0)), {0: a_signal(Side.BUY, 4000.1)})

    assert found.trades == ()
    assert found.unfinished is not None
    assert (found.unfinished.side, found.unfinished.entry) == (Side.BUY, 4000.2)


def test_parts_of_a_trade_are_closed_at_its_targets() -> None:
    # Risk 2.00: targets at 1, 1.5 and 2.5 R are 4002.20, 4003.20 and 4005.20; then the stop stands at the entry.
    ticks = ticks_at((0, 4000.0), (60, 4000.0), (61, 4002.25), (62, 4003.2), (63, 4000.15), (64, 4010.0))
    plan = Plan(targets=Targets.THREE, break_even=False, trailing=False)

    trade = only(on_ticks(ticks, {0: a_signal(Side.BUY, 4000.1)}, plan=plan))

    assert [(part.share, part.price, part.pnl) for part in trade.parts] == [
        (Decimal("0.40"), 4002.25, Decimal("0.82")),  # 2.05 · 0.40
        (Decimal("0.35"), 4003.2, Decimal("1.05")),  # 3.00 · 0.35
        (Decimal("0.25"), 4000.15, Decimal("-0.01")),  # −0.05 · 0.25, to the cent
    ]
    assert (trade.reason, trade.pnl, trade.r) == (ExitReason.BREAK_EVEN, Decimal("1.86"), 0.9287)
    assert trade.exit == pytest.approx(0.4 * 4002.25 + 0.35 * 4003.2 + 0.25 * 4000.15)


# --- gates -----------------------------------------------------------------------------------------------------------

BUY = a_signal(Side.BUY, 4000.1)
SELL = a_signal(Side.SELL, 4000.1)
WIDE = a_signal(Side.SELL, 4000.1, stop=10.0, target=10.0)


def test_one_trade_at_a_time() -> None:
    ticks = ticks_at((0, 4000.0), (70, 4000.0), (130, 3998.2), (190, 4000.0), (240, 4000.0), (250, 3990.0))

    found = on_ticks(ticks, {0: BUY, 1: BUY, 3: BUY})

    assert [(trade.opened_ms - NOON_MS) // 1000 for trade in found.trades] == [0, 190]
    assert [reasons for _, reasons in found.refused] == [(Refusal.POSITION_OPEN,)]
    assert len(found.signals) == 3


def test_a_trade_that_ends_with_the_quote_that_closes_the_candle_was_open_at_its_close() -> None:
    # The second candle's last quote is at 119 s; the quote at 120 s closes both the candle and the trade.
    found = on_ticks(ticks_at((0, 4000.0), (60, 4000.0), (119, 4000.0), (120, 3998.2)), {0: BUY, 1: WIDE})

    assert [reasons for _, reasons in found.refused] == [(Refusal.POSITION_OPEN,)]


def test_a_trade_that_ends_with_the_candles_last_quote_makes_room() -> None:
    found = on_ticks(
        ticks_at((0, 4000.0), (60, 4000.0), (119, 3998.2), (120, 3998.2), (121, 4003.0)), {0: BUY, 1: SELL}
    )

    assert [trade.side for trade in found.trades] == [Side.BUY, Side.SELL]


def test_the_gates_of_the_positions_hold_in_market_time() -> None:
    ticks = ticks_at(
        (55, 4000.0), (60, 4000.0), (61, 3998.2), (79, 3998.2), (139, 3990.5), (180, 3990.5), (181, 4000.0)
    )
    gates = GateRules(cooldown_s=30, same_side_s=120, same_side_pips=10)

    found = on_ticks(ticks, {0: BUY, 1: SELL, 2: a_signal(Side.SELL, 3990.6)}, gates=gates)

    # 24 s after the first: too soon for any side. 84 s after it: a SELL, which is another side.
    assert [reasons for _, reasons in found.refused] == [(Refusal.COOLDOWN,)]
    assert [trade.side for trade in found.trades] == [Side.BUY, Side.SELL]


def test_a_signal_like_the_last_one_is_refused() -> None:
    ticks = ticks_at((55, 4000.0), (60, 4000.0), (61, 4003.2), (119, 4000.5))

    found = on_ticks(ticks, {0: BUY, 1: BUY}, gates=GateRules(cooldown_s=0, same_side_s=120, same_side_pips=10))

    assert [reasons for _, reasons in found.refused] == [(Refusal.SAME_SIGNAL,)]


def test_a_price_that_has_gone_away_is_taken_instead_of_the_candles_own() -> None:
    # 30 % of the stop distance are 0.60; the quote that closes the candle is 0.61 away on the opening side.
    ticks = ticks_at((55, 4000.0), (60, 4000.61), (61, 3998.61), (62, 3990.0))

    trade = only(on_ticks(ticks, {0: BUY}))

    assert (trade.opened_ms - NOON_MS, trade.entry, trade.stop, trade.targets) == (60_000, 4000.81, 3998.81, (4003.81,))
    assert moment(trade) == 61


@pytest.mark.parametrize("quote", [(60, 4000.59), (62.5, 4001.0)], ids=["near enough", "after the grace"])
def test_a_price_that_has_not_gone_away_in_time_changes_nothing(quote: tuple[float, float]) -> None:
    trade = only(on_ticks(ticks_at((55, 4000.0), quote, (63, 3990.0)), {0: BUY}))

    assert (trade.opened_ms - NOON_MS, trade.entry) == (55_000, 4000.2)


def after_a_slip(pips: float, calm: int) -> BacktestResult:
    """A stop that slips at 61 s, `calm` quotes of a normal spread behind it, and a signal at 179 s."""
    rows = [(55.0, 4000.0), (60.0, 4000.0), (61.0, round(3998.2 - pips / 10, 2))]
    rows += [(62.0 + count, 4000.0) for count in range(calm)]
    return on_ticks(ticks_at(*rows, (179, 4000.0), (181, 4000.0)), {0: BUY, 2: SELL})


@pytest.mark.parametrize(("pips", "calm"), [(5.0, 0), (5.1, 20)], ids=["little", "calm again"])
def test_signals_go_on_after_a_little_slippage_and_when_the_market_is_calm(pips: float, calm: int) -> None:
    assert after_a_slip(pips, calm).refused == ()


def test_signals_pause_after_slippage() -> None:
    found = after_a_slip(5.1, 18)  # the quote of the signal is the nineteenth

    assert [reasons for _, reasons in found.refused] == [(Refusal.SLIPPAGE_PAUSE,)]


def test_slippage_that_the_test_adds_pauses_nothing() -> None:
    ticks = ticks_at((55, 4000.0), (60, 4000.0), (61, 3998.2), (179, 4000.0), (181, 4000.0))

    assert on_ticks(ticks, {0: BUY, 2: SELL}, slippage=2.0).refused == ()


def test_a_wide_spread_refuses() -> None:
    found = on_ticks(ticks_at((0, 4000.0), (61, 4000.0), spread=1.01), {0: BUY})

    assert [reasons for _, reasons in found.refused] == [(Refusal.SPREAD_TOO_WIDE,)]


@pytest.mark.parametrize(("last_s", "withheld"), [(52.0, 1), (52.001, 0)])
def test_nothing_is_raised_while_the_feed_is_silent(last_s: float, withheld: int) -> None:
    # Nothing after the minute: it is closed two seconds after its end, ten seconds after its last quote or less.
    found = on_ticks(ticks_at((0, 4000.0), (last_s, 4000.0), (100, 4000.0)), {0: BUY}, silence_ms=SILENCE_MS)

    assert (found.withheld, len(found.signals)) == (withheld, 1 - withheld)


# --- on candles ------------------------------------------------------------------------------------------------------

FLAT = (4000.0, 4000.0, 4000.0, 4000.0)
LONG = a_signal(Side.BUY, 4000.0)  # stop 3998, target 4003 without a spread


def test_in_a_candle_that_spans_both_levels_the_stop_comes_first() -> None:
    trade = only(on_candles(candles_of(FLAT, (4000.0, 4005.0, 3995.0, 4004.0)), {0: LONG}))

    assert (trade.reason, trade.exit, trade.r) == (ExitReason.STOP, 3998.0, -1.0)


def test_a_level_inside_a_candle_is_had_exactly() -> None:
    trade = only(on_candles(candles_of(FLAT, (4000.0, 4005.0, 3999.0, 4004.0)), {0: LONG}))

    assert (trade.reason, trade.exit, trade.pnl) == (ExitReason.TARGET, 4003.0, Decimal("3.00"))
    assert trade.closed_ms == NOON_MS + 120_000 - 1  # known when its candle is


def test_an_open_beyond_a_level_is_what_can_be_had() -> None:
    trade = only(on_candles(candles_of(FLAT, (3990.0, 4005.0, 3989.0, 4004.0)), {0: LONG}))

    assert (trade.reason, trade.exit, trade.closed_ms) == (ExitReason.STOP, 3990.0, NOON_MS + 60_000)


def test_an_open_beyond_the_target_is_taken_though_the_candle_falls_to_the_stop() -> None:
    trade = only(on_candles(candles_of(FLAT, (4004.0, 4004.0, 3990.0, 3991.0)), {0: LONG}))

    assert (trade.reason, trade.exit) == (ExitReason.TARGET, 4004.0)


def test_candles_have_the_spread_that_is_asked_for() -> None:
    candles = candles_of(FLAT, (4000.0, 4003.3, 4000.0, 4000.0), (4000.0, 4003.4, 4000.0, 4000.0))

    trade = only(on_candles(candles, {0: LONG}, spread=0.4))

    # Opens at 4000.20; the target 4003.20 is a bid, so the mid must come to 4003.40.
    assert (trade.entry, trade.targets, trade.closed_ms) == (4000.2, (4003.2,), NOON_MS + 180_000 - 1)


def test_a_sell_in_candles_is_the_mirror() -> None:
    candles = candles_of(FLAT, (4000.0, 4001.9, 3996.9, 4000.0))

    trade = only(on_candles(candles, {0: a_signal(Side.SELL, 4000.0)}))

    assert (trade.reason, trade.exit, trade.pnl) == (ExitReason.TARGET, 3997.0, Decimal("3.00"))


def test_the_next_open_can_end_in_its_own_candle() -> None:
    candles = candles_of(FLAT, (4001.0, 4001.0, 3998.9, 4000.0))

    trade = only(on_candles(candles, {0: LONG}, entry=Entry.NEXT))

    assert (trade.entry, trade.stop, trade.exit) == (4001.0, 3999.0, 3999.0)


def test_a_trade_that_ends_inside_a_candle_makes_room_at_its_close() -> None:
    candles = candles_of(FLAT, (4000.0, 4000.0, 3990.0, 4000.0), (4000.0, 4010.0, 4000.0, 4000.0))

    found = on_candles(candles, {0: LONG, 1: LONG})

    assert [trade.reason for trade in found.trades] == [ExitReason.STOP, ExitReason.TARGET]


def test_a_stop_that_followed_is_crossed_on_the_way_to_the_close() -> None:
    # R is 2.00 and trailing begins at 4002.00: from the high of 4002.90 the stop follows to 4002.40, then the close
    # falls through it.
    candles = candles_of(FLAT, (4000.0, 4002.9, 4000.0, 4001.0))

    trade = only(on_candles(candles, {0: LONG}, plan=Plan(break_even=False, trailing=True)))

    assert (trade.reason, trade.exit, [move.stop for move in trade.stop_moves]) == (
        ExitReason.TRAILING,
        4002.4,
        [4002.4],
    )


def test_a_time_limit_ends_a_trade_at_the_close_of_its_candle() -> None:
    candles = candles_of(FLAT, FLAT, (4000.0, 4001.0, 3999.0, 4000.5), FLAT)

    trade = only(on_candles(candles, {0: LONG}, plan=Plan(break_even=False, trailing=False, time_limit_s=90)))

    assert (trade.reason, trade.exit, trade.closed_ms) == (ExitReason.TIME, 4000.5, NOON_MS + 180_000 - 1)


# --- the span --------------------------------------------------------------------------------------------------------


def test_candles_before_the_beginning_warm_up_and_raise_nothing() -> None:
    ticks = ticks_at((0, 4000.0), (60, 3990.0), (119, 4000.0), (120, 4000.0), (121, 4010.0))

    found = on_ticks(ticks, {0: BUY, 1: BUY}, from_ms=NOON_MS + 60_000)

    assert [(trade.opened_ms - NOON_MS) // 1000 for trade in found.trades] == [119]
    assert (found.bars, found.ticks, found.warm_up, len(found.signals)) == (2, 4, 1, 1)


def test_candles_behind_the_end_raise_nothing_but_end_what_is_open() -> None:
    ticks = ticks_at((0, 4000.0), (60, 4000.0), (121, 3990.0))

    found = on_ticks(ticks, {0: BUY, 1: BUY}, until_ms=NOON_MS + 60_000)

    assert (found.bars, len(found.signals), len(found.trades)) == (1, 1, 1)


def test_too_few_candles_are_told_with_their_number() -> None:
    class Slow(Told):
        candles_needed = 5

    market = Market("XAUUSD", candles_of(FLAT, FLAT, FLAT))

    with pytest.raises(TooShortError, match="told needs 5 M1 candles to judge the first one; there are 3"):
        run_backtest(Slow({}), market, rules())


def test_signals_are_those_that_the_room_would_raise() -> None:
    found = on_ticks(ticks_at((0, 4000.0), (61, 4000.0)), {0: BUY})

    signal = found.signals[0]
    assert signal.id == f"s:XAUUSD:told:auto:M1:{NOON_S}"
    assert (signal.bid, signal.ask, signal.quote_ms) == (4000.0, 4000.2, NOON_MS)
    assert (signal.entry, signal.stop, signal.targets) == (4000.1, 3998.1, (4003.1,))
    assert GOLD.rounded(signal.entry) == signal.entry
    assert [one.id for one in found.signals[:1]] == [signal.id]
