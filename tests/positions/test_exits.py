"""Which level is crossed, and at what price a trade ends."""

from decimal import Decimal

import pytest

from contracts.messages import ExitReason, Side
from services.positions.domain.exits import Price, crossed, exit_at
from services.positions.domain.holding import close
from tests.positions.builders import GOLD, a_holding


@pytest.mark.parametrize(
    ("side", "bid", "ask", "reason"),
    [
        (Side.BUY, 4003.1, 4003.3, ExitReason.TARGET),
        (Side.BUY, 4003.0, 4003.3, None),
        (Side.BUY, 3998.1, 3998.3, ExitReason.STOP),
        (Side.BUY, 3998.2, 3998.4, None),
        (Side.SELL, 3997.9, 3998.1, ExitReason.TARGET),
        (Side.SELL, 3998.0, 3998.2, None),
        (Side.SELL, 4002.9, 4003.1, ExitReason.STOP),
        (Side.SELL, 4002.8, 4003.0, None),
    ],
)
def test_a_level_is_crossed_when_it_can_be_had(side: Side, bid: float, ask: float, reason: ExitReason | None) -> None:
    stop, target = (3998.1, 4003.1) if side is Side.BUY else (4003.1, 3998.1)

    assert crossed(side, stop=stop, target=target, price=Price(1, bid, ask)) is reason


def test_the_exit_is_the_price_that_can_be_had_and_the_rest_is_slippage() -> None:
    gap = Price(5000, 3990.0, 3990.4)

    end = exit_at(GOLD, Side.BUY, reason=ExitReason.STOP, level=3998.1, price=gap, detected_late=True)

    assert (end.price, end.level, end.slippage_pips, end.closed_ms, end.detected_late) == (
        3990.0, 3998.1, 81.0, 5000, True,
    )  # fmt: skip


def test_a_target_that_is_jumped_over_is_had_at_the_better_price() -> None:
    end = exit_at(
        GOLD, Side.SELL, reason=ExitReason.TARGET, level=3998.1, price=Price(1, 3997.0, 3997.6), detected_late=False
    )

    closing = close(a_holding(side=Side.SELL, entry=4000.1, initial_stop=4002.1), GOLD, end)

    assert (end.price, end.slippage_pips) == (3997.6, 5.0)
    assert (closing.pnl, closing.r) == (Decimal("2.50"), 1.25)


def test_trades_open_and_close_on_the_side_that_pays_the_spread() -> None:
    price = Price(1, 3999.9, 4000.1)

    assert [price.opening(side) for side in Side] == [4000.1, 3999.9]
    assert [price.closing(side) for side in Side] == [3999.9, 4000.1]
