"""The peer's half of `benchmarks/positions.py`: nautilus_trader's matching engine, in the peer's own environment.

Called with a file of columns (int64 side, float64 stop, float64 target, int64 whether its stop trails), how many
positions that is, a file of quotes (float64 bid, float64 ask), how many, and the distance of the trailing stops. Each
position is a stop and a limit order, or a trailing stop and a limit order, that would close it. Tells as a line of
JSON the CPU microseconds per quote and how many orders rest at the end.
"""

import gc
import json
import sys
import time
from array import array
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.engine import OrderMatchingEngine
from nautilus_trader.backtest.models import FillModel, MakerTakerFeeModel
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USD, XAU
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, BookType, OmsType, OrderSide, TrailingOffsetType, TriggerType
from nautilus_trader.model.events import OrderSubmitted
from nautilus_trader.model.identifiers import AccountId, InstrumentId, StrategyId, Symbol, TraderId
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

NAME = InstrumentId.from_str("XAUUSD.SIM")
ACCOUNT = AccountId("SIM-1")
DECIMALS = 2


def columns(path: str, count: int, kinds: str) -> list[array]:
    """Read columns of one length."""
    found = [array(kind) for kind in kinds]
    with Path(path).open("rb") as file:
        for column in found:
            column.fromfile(file, count)
    return found


def instrument() -> CurrencyPair:
    """Gold."""
    step, lot = Price(0.01, DECIMALS), Quantity.from_int(1)
    return CurrencyPair(NAME, Symbol("XAUUSD"), XAU, USD, DECIMALS, 0, step, lot, 0, 0)


def matching_engine(clock: TestClock) -> OrderMatchingEngine:
    """The engine as its simulated exchange makes one; nobody hears what it reports."""
    bus = MessageBus(TraderId("T-1"), clock)
    bus.register("ExecEngine.process", lambda _event: None)
    return OrderMatchingEngine(
        instrument=instrument(), raw_id=0, fill_model=FillModel(), fee_model=MakerTakerFeeModel(),
        book_type=BookType.L1_MBP, oms_type=OmsType.HEDGING, account_type=AccountType.MARGIN, msgbus=bus,
        cache=Cache(), clock=clock, reject_stop_orders=False, use_reduce_only=False,
    )  # fmt: skip


def closing_orders(factory: OrderFactory, row: Sequence[float], distance: str) -> list[Order]:
    """The two orders that would close a position."""
    side, stop, target, trails = row
    close, one = (OrderSide.SELL if side > 0 else OrderSide.BUY), Quantity.from_int(1)
    if trails:
        guard = factory.trailing_stop_market(
            NAME, close, one, trailing_offset=Decimal(distance), trailing_offset_type=TrailingOffsetType.PRICE,
            trigger_price=Price(stop, DECIMALS), trigger_type=TriggerType.BID_ASK,
        )  # fmt: skip
    else:
        guard = factory.stop_market(NAME, close, one, Price(stop, DECIMALS), TriggerType.BID_ASK)
    return [guard, factory.limit(NAME, close, one, Price(target, DECIMALS))]


def rest(engine: OrderMatchingEngine, orders: Sequence[Order]) -> None:
    """Have orders rest in the engine."""
    for order in orders:
        order.apply(OrderSubmitted(
            order.trader_id, order.strategy_id, NAME, order.client_order_id, ACCOUNT, UUID4(), 0, 0
        ))  # fmt: skip
        engine.process_order(order, ACCOUNT)


def main() -> None:
    """Measure once."""
    many, quotes = int(sys.argv[2]), int(sys.argv[4])
    sides, stops, targets, trails = columns(sys.argv[1], many, "qddq")
    bids, asks = columns(sys.argv[3], quotes, "dd")
    clock, one = TestClock(), Quantity.from_int(1_000_000)
    engine = matching_engine(clock)
    factory = OrderFactory(TraderId("T-1"), StrategyId("S-1"), clock)
    ticks = [
        QuoteTick(NAME, Price(bid, DECIMALS), Price(ask, DECIMALS), one, one, place, place)
        for place, (bid, ask) in enumerate(zip(bids, asks, strict=True))
    ]
    engine.process_quote_tick(ticks[0])
    for row in zip(sides, stops, targets, trails, strict=True):
        rest(engine, closing_orders(factory, row, sys.argv[5]))
    gc.collect()
    gc.freeze()
    started = time.process_time()
    for tick in ticks:
        engine.process_quote_tick(tick)
    seconds = time.process_time() - started
    resting = len(engine.get_open_orders())
    sys.stdout.write(json.dumps({"us": seconds / len(ticks) * 1e6, "resting": resting}) + "\n")


if __name__ == "__main__":
    main()
