"""Strategies by name for the verbs: those that come with the program, and those in the operator's folder."""

import math
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cli.wrong_input import InputError
from services.signals.adapters.strategy_catalogue import Shelf, open_shelf
from services.signals.domain.strategy import Strategy, StrategyError
from services.signals.settings import SignalsSettings


def strategy_folder() -> Path:
    """Return the folder that the live room reads, by the same setting."""
    usual: Path = SignalsSettings.model_fields["strategy_folder"].default
    return Path(os.environ.get("SINYAL_SIGNALS_STRATEGY_FOLDER") or usual)


def make_strategy(label: str, parameters: Mapping[str, Any]) -> Strategy[Any]:
    """Return the strategy that `label` names: `ema_cross`, `ema_cross:M5`, or one's own.

    Raises StrategyError that says what is wrong and what would be right.
    """
    return _shelf(strategy_folder()).build(label, parameters)


def choose_strategy(name: str, parameters: Sequence[str]) -> Strategy[Any]:
    """Find a strategy and set its parameters, given as `name=value` (several with commas between)."""
    try:
        make_strategy(name, {})
    except StrategyError as e:
        raise InputError(f"--strategy {name}: {e}") from e
    try:
        return make_strategy(name, read_parameters(parameters))
    except StrategyError as e:
        raise InputError(f"--params: {e}") from e


def read_parameters(texts: Sequence[str]) -> dict[str, int | float]:
    """Read `name=value` pairs; a number without a point is a whole one."""
    pairs = [pair.strip() for text in texts for pair in text.split(",") if pair.strip()]
    found: dict[str, int | float] = {}
    for pair in pairs:
        name, _, value = (part.strip() for part in pair.partition("="))
        if not name or not value:
            raise InputError(f"--params {pair}: must be name=value, such as score_needed=6")
        if name in found:
            raise InputError(f"--params {pair}: {name} is given twice")
        found[name] = _value(pair, value)
    return found


def _value(pair: str, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"--params {pair}: the value must be a number")
    return int(text) if text.lstrip("+-").isdecimal() else number


@cache
def _shelf(folder: Path) -> Shelf:
    """Read the folder once in a process: a search asks for a strategy thousands of times."""
    return open_shelf(folder)
