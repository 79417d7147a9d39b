"""The strategy's own book, candle by candle."""

import pytest

from contracts.messages import Side
from services.signals.domain.candle import Candle
from services.signals.domain.opinion import Signal
from services.signals.domain.reference_trades import TRADES_KEPT, ReferenceBook, ReferenceTrade


def a_signal(side: Side) -> Signal:
    """Enters at 4000, one R is 2 dollars, the target 2 R away."""
    sign = side.sign
    return Signal(
        side=side, entry=4000.0, stop=4000.0 - 2 * sign, target=4000.0 + 4 * sign, rr=2.0, strength=0.5, reasons=("r",)
    )


def candle(at: int, low: float, high: float, opens: float = 4000.0) -> Candle:
    return Candle(60 * at, opens, high, low, min(max(4000.0, low), high), 1)


def book_with(side: Side) -> ReferenceBook:
    book = ReferenceBook(60)
    book.take(a_signal(side), candle(0, 3999, 4001))
    return book


@pytest.mark.parametrize(
    ("side", "reached", "r"),
    [
        (Side.BUY, candle(1, 3998.5, 4003.5), None),
        (Side.BUY, candle(1, 3999, 4004), 2.0),
        (Side.BUY, candle(1, 3998, 4001), -1.0),
        (Side.BUY, candle(1, 3997, 4005), -1.0),
        (Side.BUY, candle(1, 3994, 3996, opens=3995), -2.5),
        (Side.BUY, candle(1, 4005, 4007, opens=4006), 3.0),
        (Side.SELL, candle(1, 3996, 4001), 2.0),
        (Side.SELL, candle(1, 3999, 4002), -1.0),
        (Side.SELL, candle(1, 3995, 4003), -1.0),
        (Side.SELL, candle(1, 4004, 4006, opens=4005), -2.5),
        (Side.SELL, candle(1, 3993, 3995, opens=3994), 3.0),
    ],
)
def test_a_trade_ends_at_its_level_or_where_the_gap_opened_the_stop_first(
    side: Side, reached: Candle, r: float | None
) -> None:
    book = book_with(side)

    book.pass_candle(reached)

    expected = [] if r is None else [ReferenceTrade(side, 60, 120, r, is_stopped=r < 0)]
    assert list(book.closed) == expected


def test_one_trade_at_a_time() -> None:
    book = book_with(Side.BUY)
    book.take(a_signal(Side.SELL), candle(1, 3999, 4001))

    book.pass_candle(candle(2, 3999, 4004))
    book.pass_candle(candle(3, 3999, 4004))
    assert [trade.side for trade in book.closed] == [Side.BUY]

    book.take(a_signal(Side.SELL), candle(3, 3999, 4001))
    book.pass_candle(candle(4, 3996, 4001))
    assert [(trade.side, trade.opened_s) for trade in book.closed] == [(Side.BUY, 60), (Side.SELL, 240)]


def test_the_book_forgets_old_trades() -> None:
    book = ReferenceBook(60)
    for place in range(TRADES_KEPT + 5):
        book.take(a_signal(Side.BUY), candle(2 * place, 3999, 4001))
        book.pass_candle(candle(2 * place + 1, 3999, 4004))

    assert len(book.closed) == TRADES_KEPT
