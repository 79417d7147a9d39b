"""What every use case of this room stands on."""

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.bus import Bus
from chassis.clock import Clock
from services.positions.domain.gates import GateRules
from services.positions.domain.instrument import Instrument
from services.positions.domain.plans import PlanRule
from services.positions.domain.subscriber import AccessRule
from services.positions.handlers.market import Market
from services.positions.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The store, the bus, the clock, what is known of the market, and the rules of this installation."""

    store: Store
    bus: Bus
    clock: Clock
    market: Market
    rules: GateRules
    access: AccessRule
    plans: PlanRule
    instruments: Mapping[str, Instrument]
