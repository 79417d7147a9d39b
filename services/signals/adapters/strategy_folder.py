"""Strategies from files: every `*.py` of a folder, each on its own feet.

A file that cannot be used is told with its name, the line and what is wrong, and takes no other one with it. What it
does while it is imported is its author's business: a plug-in is trusted as the program itself is.
"""

import importlib.util
import inspect
import math
import re
import sys
import traceback
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path
from types import ModuleType
from typing import Any

from services.signals.domain.candle import Candle
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import Strategy, StrategyError, build_strategy

TRIED_ON = 60
"""Candles that a strategy judges before it is taken."""
NOT_STRATEGIES = ("_", ".", "test_")
StrategyType = type[Strategy[Any]]


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file that holds no strategy that can run."""

    path: Path
    line: int | None
    problem: str

    def __str__(self) -> str:
        """Tell it as compilers do: file, line, what is wrong."""
        return f"{self.path}:{self.line or 1}: {self.problem}"


class _BrokenError(Exception):
    def __init__(self, line: int | None, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def read_folder(folder: Path, taken: Collection[str] = ()) -> tuple[dict[str, StrategyType], list[BrokenFile]]:
    """Return the strategies of a folder by name, and the files that have none; both in the order of file names.

    A name that is in `taken` or in an earlier file is refused. Files that begin with an underscore, a point or `test_`
    are left alone; a folder that does not exist is an empty one.
    """
    found: dict[str, StrategyType] = {}
    broken: list[BrokenFile] = []
    for path in sorted(path for path in folder.glob("*.py") if not path.name.startswith(NOT_STRATEGIES)):
        try:
            for strategy_type in read_file(path):
                _refuse_taken(strategy_type, {*taken, *found})
                found[strategy_type.name] = strategy_type
        except _BrokenError as e:
            broken.append(BrokenFile(path, e.line, str(e)))
    return found, broken


def read_file(path: Path) -> list[StrategyType]:
    """Return the strategies that a file defines, one or more. Raises _BrokenError with the line of what is wrong."""
    module = _imported(path)
    strategy_types = [kind for kind in vars(module).values() if _is_defined_here(kind, module)]
    if not strategy_types:
        raise _BrokenError(None, "there is no class in it that is a Strategy with an evaluate method")
    for strategy_type in strategy_types:
        _try_out(strategy_type, path)
    return strategy_types


def _imported(path: Path) -> ModuleType:
    name = f"user_strategies_{blake2s(str(path.resolve()).encode(), digest_size=6).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as e:  # whatever a foreign file may raise is its own failure and not ours
        del sys.modules[name]
        raise _as_broken(e, path) from e
    return module


def _is_defined_here(kind: Any, module: ModuleType) -> bool:
    is_strategy = inspect.isclass(kind) and issubclass(kind, Strategy)
    return is_strategy and kind.__module__ == module.__name__ and not inspect.isabstract(kind)


def _try_out(strategy_type: StrategyType, path: Path) -> None:
    """Build it with its defaults and let it judge a made-up market, so that most slips are told before a real one."""
    try:
        strategy = build_strategy(strategy_type, {})
        run = StrategyRun(strategy)
        for candle in _waves(strategy.candles_needed + TRIED_ON, strategy.interval.seconds):
            run.feed(candle)
    except StrategyError as e:
        raise _BrokenError(_line_of(strategy_type), str(e)) from e
    except Exception as e:
        raise _as_broken(e, path, or_else=_line_of(strategy_type)) from e


def _waves(count: int, interval_s: int) -> Iterator[Candle]:
    """Yield candles that rise and fall, some slowly and some at once."""
    close = 4000.0
    for place in range(count):
        was, close = close, 4000.0 + 8.0 * math.sin(place / 9) + 3.0 * math.sin(place / 1.7)
        yield Candle(place * interval_s, was, max(was, close) + 0.5, min(was, close) - 0.5, close, 50.0 + place % 23)


def _refuse_taken(strategy_type: StrategyType, taken: Collection[str]) -> None:
    if strategy_type.name in taken:
        line, name = _line_of(strategy_type), strategy_type.name
        raise _BrokenError(line, f"{strategy_type.__name__}: there is another strategy called {name!r}; rename it")


def _as_broken(e: BaseException, path: Path, *, or_else: int | None = None) -> _BrokenError:
    """Tell an error by the last line of the file that it went through."""
    if isinstance(e, SyntaxError) and e.filename == str(path):
        return _BrokenError(e.lineno, f"{type(e).__name__}: {e.msg}")
    lines = [frame.lineno for frame in traceback.extract_tb(e.__traceback__) if frame.filename == str(path)]
    told = re.sub(r"\s+", " ", str(e)).strip()
    return _BrokenError(lines[-1] if lines else or_else, f"{type(e).__name__}: {told}" if told else type(e).__name__)


def _line_of(strategy_type: StrategyType) -> int | None:
    try:
        return inspect.getsourcelines(strategy_type)[1]
    except (OSError, TypeError):
        return None
