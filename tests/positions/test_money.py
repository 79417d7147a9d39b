"""Price into money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Side
from services.positions.domain import money
from services.positions.domain.instrument import UnknownInstrumentError, find_instrument
from tests.positions.builders import GOLD

PRICES = st.integers(100_000, 900_000).map(lambda cents: cents / 100)
LOTS = st.integers(1, 100).map(lambda steps: Decimal(steps) / 100)


@pytest.mark.parametrize(
    ("side", "exit_price", "lots", "earned"),
    [
        (Side.BUY, 4002.1, "0.01", "2.00"),
        (Side.BUY, 3998.1, "0.01", "-2.00"),
        (Side.SELL, 3998.1, "0.01", "2.00"),
        (Side.SELL, 4000.1, "0.01", "0.00"),
        (Side.BUY, 4000.13, "0.03", "0.09"),
        (Side.BUY, 4001.1, "1.00", "100.00"),
    ],
)
def test_two_dollars_of_gold_at_one_hundredth_of_a_lot_are_two_dollars(
    side: Side, exit_price: float, lots: str, earned: str
) -> None:
    assert money.pnl(GOLD, side=side, entry=4000.1, exit_price=exit_price, lots=Decimal(lots)) == Decimal(earned)


@given(entry=PRICES, exit_price=PRICES, lots=LOTS)
def test_what_a_buyer_earns_a_seller_loses(entry: float, exit_price: float, lots: Decimal) -> None:
    bought = money.pnl(GOLD, side=Side.BUY, entry=entry, exit_price=exit_price, lots=lots)
    sold = money.pnl(GOLD, side=Side.SELL, entry=entry, exit_price=exit_price, lots=lots)

    assert bought == -sold
    assert bought.as_tuple().exponent == -2


@given(entry=PRICES, distance=st.integers(1, 10_000), lots=LOTS, side=st.sampled_from(list(Side)))
def test_the_stop_costs_the_risk_and_is_minus_one_r(entry: float, distance: int, lots: Decimal, side: Side) -> None:
    stop = round(entry - side.sign * distance / 100, 2)

    lost = money.pnl(GOLD, side=side, entry=entry, exit_price=stop, lots=lots)

    assert -lost == money.risk(GOLD, entry=entry, stop=stop, lots=lots)
    assert money.r_multiple(side=side, entry=entry, initial_stop=stop, exit_price=stop) == -1.0


def test_a_trade_without_a_risk_has_no_r() -> None:
    assert money.r_multiple(side=Side.BUY, entry=4000.0, initial_stop=4000.0, exit_price=4010.0) == 0.0


def test_one_dollar_of_gold_is_ten_pips() -> None:
    assert GOLD.pips(1.0) == 10.0
    assert GOLD.pips(4000.37 - 4000.1) == 2.7
    assert GOLD.rounded(4000.126) == 4000.13


def test_an_unknown_instrument_names_those_there_are() -> None:
    with pytest.raises(UnknownInstrumentError, match="XAUUSD"):
        find_instrument("XAGUSD")
