"""What the signals room can be told."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Json
from pydantic_settings import NoDecode

from chassis.settings import RoomSettings
from services.signals.domain.strategy import LONGEST_WINDOW


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class SignalsSettings(RoomSettings):
    """The settings of the signals room."""

    symbols: Names = Field(
        ("XAUUSD",), description="symbols warmed up at start, comma separated; others are when their first candle comes"
    )
    strategies: Names = Field(
        ("trend_pullback",),
        min_length=1,
        description="strategies to run, comma separated; the first one answers /signal and draws the charts' lines",
    )
    parameters: Annotated[Json[dict[str, dict[str, int | float]]], NoDecode] = Field(
        "{}",  # type: ignore[arg-type]  # text, like every value that comes from the environment
        description='JSON, parameters that differ from the defaults: {"trend_pullback": {"score_needed": 6}}',
    )
    candles_held: int = Field(
        LONGEST_WINDOW,
        ge=100,
        le=5000,
        description="candles in memory per symbol and interval; by 2500 the seeds of all averages have faded",
    )
    fresh_s: float = Field(
        45.0,
        gt=0,
        description="wall seconds after which a candle raises no signal; less than the validity, but more than the 30"
        " after which the broker hands a dead copy's candle to another",
    )
    valid_for_s: int = Field(
        60,
        gt=0,
        description="wall seconds, from its candle or question on, for which a signal may be delivered as fresh",
    )
    price_digits: int = Field(2, ge=0, le=8, description="decimals of a price in messages; 2 is XAUUSD's")
