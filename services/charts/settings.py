"""What the charts room can be told. Variables are `SINYAL_CHARTS_<FIELD>`."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import NoDecode

from chassis.settings import RoomSettings
from services.charts.domain.request import MAX_CANDLES


class InstrumentSettings(BaseModel):
    """How a symbol's prices are written; what else is told of it is for other rooms."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    digits: int = Field(ge=0, le=8, description="decimals of a price")
    pip: float | None = Field(None, gt=0, description="one pip in price; none: distances are told in percent")


class ChartsSettings(RoomSettings):
    """The charts room's settings."""

    browser: str | None = Field(
        None, description="path or command of Chromium or Chrome; none: the first one found on the PATH"
    )
    browser_sandbox: Literal["auto", "on", "off"] = Field(
        "auto", description="Chromium's own sandbox; auto: off for root, who cannot have it, and on for everybody else"
    )
    temp_folder: Path | None = Field(
        None, description="where the browser's folder lies while it runs, a short path; none: the system's"
    )
    tabs: int = Field(2, ge=1, le=16, description="pictures drawn at the same time; each grows to about 190 MB")
    render_limit_s: float = Field(6.0, gt=0, description="seconds for one picture; a slower browser is replaced")
    open_limit_s: float = Field(30.0, gt=0, description="seconds for the browser to come up")
    renders_per_browser: int = Field(500, ge=1, description="pictures after which the browser is exchanged")
    browser_memory_mb: float = Field(
        1000.0,
        gt=0,
        description="MB (PSS) above which the browser is exchanged; with two tabs it begins at 450 and settles at 700",
    )
    finish_s: float = Field(4.0, ge=0, description="seconds a stop waits for pictures in hand; must fit stop_grace_s")
    candles: int = Field(120, ge=20, le=MAX_CANDLES, description="candles on a picture; more are thinner on a phone")
    watermark: str = Field("Sinyal", max_length=24, description="name written into every picture; empty: none")
    instruments: Annotated[dict[str, InstrumentSettings], NoDecode] = Field(
        default_factory=dict, description='more instruments, as JSON: {"EURUSD": {"digits": 5, "pip": 0.0001}}'
    )

    @field_validator("instruments", mode="before")
    @classmethod
    def _read_json(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as e:
            raise ValueError(f"not JSON ({e})") from e

    @field_validator("temp_folder")
    @classmethod
    def _is_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"{value} is no folder")
        return value
