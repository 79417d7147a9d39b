"""What the positions room can be told."""

import json
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from chassis.settings import RoomSettings
from services.positions.domain.instrument import find_instrument
from services.positions.domain.plans import PlanRule, read_plan
from services.positions.domain.subscriber import Access, checked_language


def _split(value: Any) -> Any:
    """Read `a, b`, or a JSON list."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return tuple(json.loads(value))
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _checked_symbols(symbols: tuple[str, ...]) -> tuple[str, ...]:
    for symbol in symbols:
        find_instrument(symbol)
    return symbols


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise ValueError(f"{name!r} is no time zone: one like Asia/Jakarta is needed") from e
    return name


def _checked_plan(plan: str) -> str:
    read_plan(plan)
    return plan


def _checked_plans(plans: tuple[str, ...]) -> tuple[str, ...]:
    for one in plans:
        strategy, is_said, plan = one.partition("=")
        if not (strategy and is_said):
            raise ValueError(f"{one!r} is not like strategy=plan")
        read_plan(plan)
    return plans


LEAST_KEY = 32
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Ids = Annotated[frozenset[int], NoDecode, BeforeValidator(_split)]


class PositionsSettings(RoomSettings):
    """The settings of the positions room."""

    database_url: SecretStr = Field(description="PostgreSQL, postgresql://user:password@host:port/name")
    database_wait_s: float = Field(30.0, gt=0, description="how long the database may take to answer at start")
    pool_size: int = Field(8, ge=3, le=64, description="connections; the outbox relay keeps one for itself")
    symbols: Annotated[Names, AfterValidator(_checked_symbols)] = Field(
        ("XAUUSD",), min_length=1, description="symbols whose positions are followed, comma separated"
    )
    access: Access = Field(
        Access.ALLOW_LIST,
        description="who may register: open, allow_list or operators; a new bot lets nobody in it was not told of",
    )
    operator_ids: Ids = Field(frozenset(), description="Telegram ids of operators, comma separated; always let in")
    allowed_ids: Ids = Field(frozenset(), description="Telegram ids let in with access=allow_list, comma separated")
    default_language: Annotated[str, AfterValidator(checked_language)] = Field(
        "id", description="language of newcomers whose own is not spoken: id or en"
    )
    default_time_zone: Annotated[str, AfterValidator(_checked_zone)] = Field(
        "Asia/Jakarta", description="time zone of newcomers; the day of their totals is its day"
    )
    default_lots: Decimal = Field(
        Decimal("0.01"), ge=Decimal("0.01"), le=1, description="lots of newcomers; the smallest a broker takes"
    )
    cooldown_s: float = Field(30.0, ge=0, description="market seconds between two signals to one subscriber")
    same_side_s: float = Field(120.0, ge=0, description="market seconds in which an equal signal is not given twice")
    same_side_pips: float = Field(10.0, ge=0, description="pips within which a signal of the same side is equal")
    max_spread_pips: float | None = Field(
        None, gt=0, description="pips; a wider spread lets no signal through; none: the instrument's own (XAUUSD 10)"
    )
    plan: Annotated[str, AfterValidator(_checked_plan)] = Field(
        "standard",
        description="plan of a trade: plain, standard, scaled, or switches joined by + (single or three, break_even, "
        "trailing, tightening, limit:<seconds>); subscribers choose otherwise for themselves",
    )
    strategy_plans: Annotated[Names, AfterValidator(_checked_plans)] = Field(
        (), description="plans of strategies that have their own, comma separated: breakout=scaled"
    )
    settle_grace_s: float = Field(
        600.0,
        gt=0,
        description="wall seconds after a message's expiry in which its delivery must be told; else the trade is void",
    )
    erasure_key: SecretStr | None = Field(
        None,
        description="at least 32 characters that stand behind the pseudonyms of erased people; none: random "
        "pseudonyms, which nobody can work out again",
    )
    archive_after_days: int = Field(
        365, ge=31, description="days after which an ended trade is put into the archive, and a void one is dropped"
    )
    feed_silence_s: float = Field(
        15.0,
        gt=0,
        description="wall seconds without a word of a live feed, after which it counts as stale: a killed one says "
        "nothing, a healthy one speaks within 10",
    )
    tick_silence_s: float = Field(
        60.0, gt=0, description="wall seconds without a tick, while the feed is live, after which this is not ready"
    )

    @field_validator("erasure_key")
    @classmethod
    def _is_long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < LEAST_KEY:
            raise ValueError(f"fewer than {LEAST_KEY} characters: a short key can be guessed")
        return key

    @property
    def plan_rule(self) -> PlanRule:
        """The plans as the domain knows them."""
        own = (one.partition("=") for one in self.strategy_plans)
        return PlanRule(read_plan(self.plan), {strategy: read_plan(plan) for strategy, _, plan in own})
