"""What use cases stand on, put together by hand: for those that need no whole room."""

from datetime import datetime

from chassis.clock import Clock, ManualClock, SystemClock
from chassis.database import Pool
from chassis.memory_bus import MemoryBus
from services.positions.adapters.postgres_store import PostgresStore
from services.positions.domain.gates import GateRules
from services.positions.domain.plans import PlanRule
from services.positions.domain.subscriber import Access, AccessRule
from services.positions.handlers.ground import Ground
from services.positions.handlers.market import Market
from tests.positions.builders import GOLD


def a_ground(pool: Pool, now: datetime | None = None) -> Ground:
    """A ground on a real database; at a fixed time where one is given."""
    clock: Clock = SystemClock() if now is None else ManualClock(now)
    return Ground(
        store=PostgresStore(pool),
        bus=MemoryBus(clock),
        clock=clock,
        market=Market(clock, 15.0),
        rules=GateRules(),
        access=AccessRule(access=Access.OPEN),
        plans=PlanRule(),
        instruments={"XAUUSD": GOLD},
    )
