"""What the signals room can be told."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Json
from pydantic_settings import NoDecode

from chassis.settings import RoomSettings
from services.signals.domain.anchors import HELD


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class SignalsSettings(RoomSettings):
    """The settings of the signals room."""

    symbols: Names = Field(
        ("XAUUSD",), description="symbols warmed up at start, comma separated; others are when their first candle comes"
    )
    strategies: Names = Field(
        ("trend_pullback", "*"),
        min_length=1,
        description="strategies to run, comma separated: name, name:INTERVAL, package.module.Class, or * for all of the"
        " folder; the first one answers /signal and draws the charts' lines",
    )
    strategy_folder: Path = Field(
        Path("user_data/strategies"), description="folder whose *.py files are strategies; it need not exist"
    )
    news: Path | None = Field(
        None, description="CSV file of events, rows time (ISO, UTC) and subject, for strategies that mind the news"
    )
    parameters: Annotated[Json[dict[str, dict[str, int | float]]], NoDecode] = Field(
        "{}",  # type: ignore[arg-type]  # text, like every value that comes from the environment
        description='JSON, parameters that differ from the defaults: {"trend_pullback": {"score_needed": 6}}',
    )
    candles_held: int = Field(
        HELD,
        ge=100,
        le=HELD,
        description="candles in memory per symbol and interval; with fewer than 5000 a restart may change last digits",
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
