"""Drives one strategy over closed candles: the live room, the backtest, the search and the look-ahead check by this.

What is said about a candle is a function of the candles up to it (see `anchors`) and of the calendar; not of when the
run began, nor of whether it was fed one candle at a time or whole columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from contracts.messages import Mode
from services.signals.domain.anchors import HELD, Stretch, block_of, last_stretch, stretches
from services.signals.domain.candle import Candle
from services.signals.domain.classic import Columnar
from services.signals.domain.columns import Columns, columns_of, part
from services.signals.domain.history import CandleHistory
from services.signals.domain.indicator import fill_tail
from services.signals.domain.opinion import Evaluation, NoSignal, Signal
from services.signals.domain.protections import Calendar, Moment
from services.signals.domain.reference_trades import ReferenceBook
from services.signals.domain.strategy import Strategy
from services.signals.domain.view import View

TOO_FEW = NoSignal(("why.too_few_candles",))
UNDEFINED = NoSignal(("why.indicator_undefined",))

Values = Mapping[str, Any]
"""Indicators at one candle by name; None where undefined."""


class StrategyRun:
    """One strategy on the candles of one symbol.

    Two ways of one meaning: `feed` and `judge` take candles as they come; `signals` and `evaluations` take columns.
    """

    def __init__(
        self, strategy: Strategy[Any], history: CandleHistory | None = None, *, calendar: Calendar = ()
    ) -> None:
        """Run `strategy` on `history`, which others may share and add to (None: an own one)."""
        self.strategy = strategy
        self._history = CandleHistory(HELD) if history is None else history
        self._calendar = calendar
        self._reader = _Reader(strategy, calendar)
        self._judged: _Judged | None = None

    def feed(self, candle: Candle) -> Evaluation:
        """Take the next closed candle and return what the strategy says about it."""
        self._history.add(candle)
        return self.judge(candle.open_time_s)

    def judge(self, open_time_s: int) -> Evaluation:
        """Return what the strategy says about the held candle that opened at `open_time_s`.

        The one after the candle judged before costs a step; any other one has the indicators fed anew.
        Raises LookupError where no candle opened then.
        """
        place = self._history.place_of(open_time_s)
        rows = self._history.rows
        is_next, self._judged = self._is_next(rows, place), None  # None: a strategy that raises is read anew
        if is_next or self._reader.is_stateless:
            opinion = self._reader.step(rows, place)
        else:
            opinion = self._reader.restart(rows[: place + 1])
        self._judged = _Judged(open_time_s, self._history.revision)
        return as_evaluation(opinion)

    def evaluations(
        self, columns: Columns, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[int, Evaluation]]:
        """Yield (place, what the strategy says) for each candle of [first, last), None being the end."""
        for place, opinion in self._opinions(columns, first, last):
            yield place, as_evaluation(opinion)

    def signals(self, columns: Columns, first: int = 0, last: int | None = None) -> Iterator[tuple[int, Signal]]:
        """Yield (place, signal) for each candle of [first, last) on which one is raised by itself (mode auto)."""
        for place, opinion in self._opinions(columns, first, last):
            verdict = opinion.verdict
            if type(verdict) is NoSignal:
                continue
            if type(verdict) is Evaluation:
                verdict = verdict.verdict(Mode.AUTO)
            if isinstance(verdict, Signal):
                yield place, verdict

    def _opinions(self, columns: Columns, first: int, last: int | None) -> Iterator[tuple[int, "Opinion"]]:
        last = len(columns.open_time_s) if last is None else last
        for stretch in stretches(columns.open_time_s, self.strategy.interval.seconds):
            if stretch.last > first and stretch.first < last:
                asked = Stretch(stretch.seed, max(stretch.first, first), min(stretch.last, last))
                yield from _Reader(self.strategy, self._calendar).read(columns, asked)

    def _is_next(self, rows: Sequence[Candle], place: int) -> bool:
        judged = self._judged
        if judged is None or place == 0 or self._history.revision != judged.revision:
            return False
        interval_s = self.strategy.interval.seconds
        is_same_block = block_of(judged.open_time_s, interval_s) == block_of(rows[place].open_time_s, interval_s)
        return is_same_block and rows[place - 1].open_time_s == judged.open_time_s


@dataclass(frozen=True, slots=True)
class _Judged:
    """The candle judged last, and the state that the history was in: an insertion in its midst changes it."""

    open_time_s: int
    revision: int


class Opinion(NamedTuple):
    """What a strategy said, and the indicators it looked at."""

    verdict: Signal | NoSignal | Evaluation
    now: Values


class _Reader:
    """The state between two candles of a stretch: indicators, their values at the last candle, reference trades."""

    def __init__(self, strategy: Strategy[Any], calendar: Calendar) -> None:
        self._strategy = strategy
        self._calendar = calendar
        self._interval_s = strategy.interval.seconds
        self._protections = tuple(strategy.protections())
        self._reset()

    def _reset(self) -> None:
        self._indicators = dict(self._strategy.indicators())
        self._names = tuple(self._indicators)
        self._before: Values = {}
        keeps_book = any(protection.needs_trades for protection in self._protections)
        self._book = ReferenceBook(self._interval_s) if keeps_book else None

    @property
    def is_stateless(self) -> bool:
        """Whether a window of candles is all that it looks at."""
        return not self._names and self._book is None

    def restart(self, rows: Sequence[Candle]) -> Opinion:
        """Return what the strategy says about the last of `rows`, ready to go on with `step`."""
        columns = columns_of(rows)
        newest = last_stretch(columns.open_time_s, self._interval_s)
        self._reset()
        *_, (_, opinion) = self.read(columns, Stretch(newest.seed, len(rows) - 1, len(rows)))
        return opinion

    def step(self, rows: Sequence[Candle], place: int) -> Opinion:
        """Return what the strategy says about the candle at `place`, which follows the last one read."""
        candle = rows[place]
        now = {name: indicator.update(candle) for name, indicator in self._indicators.items()}
        return self._read_one(rows, place, now)

    def read(self, columns: Columns, stretch: Stretch) -> Iterator[tuple[int, Opinion]]:
        """Yield (place, opinion) for each candle of [first, last) of a stretch, from a fresh state."""
        rows = columns.rows
        # Reference trades follow from every signal since the seed; without them the candle before the first is enough.
        begin = stretch.seed if self._book is not None else max(stretch.seed, stretch.first - 1)
        values = self._filled(columns, stretch.seed, begin, stretch.last)
        if begin < stretch.first and self._book is None:
            self._before = next(values)
            begin = stretch.first
        for place, now in enumerate(values, start=begin):
            opinion = self._read_one(rows, place, now)
            if place >= stretch.first:
                yield place, opinion

    def _filled(self, columns: Columns, seed: int, begin: int, end: int) -> Iterator[Values]:
        """Yield the values at each candle of [begin, end), fed from `seed` on."""
        names = self._names
        if not names:
            return iter([{}] * (end - begin))
        fed = part(columns, seed, end)
        series = [_fill(indicator, fed, end - begin) for indicator in self._indicators.values()]
        return (dict(zip(names, row, strict=True)) for row in zip(*series, strict=True))

    def _read_one(self, rows: Sequence[Candle], place: int, now: Values) -> Opinion:
        before, self._before = self._before, now
        if self._book is not None:
            self._book.pass_candle(rows[place])
        return Opinion(self._verdict(rows, place, now, before), now)

    def _verdict(
        self, rows: Sequence[Candle], place: int, now: Values, before: Values
    ) -> Signal | NoSignal | Evaluation:
        strategy = self._strategy
        if place + 1 < strategy.candles_needed:
            return TOO_FEW
        if self._names and (not before or None in now.values() or None in before.values()):
            return UNDEFINED
        verdict = strategy.evaluate(View(rows, place, strategy.window_length, now, before))
        if not self._protections or type(verdict) is NoSignal:
            return verdict
        return self._protected(verdict, rows[place])

    def _protected(self, verdict: Signal | NoSignal | Evaluation, candle: Candle) -> Signal | NoSignal | Evaluation:
        """Return the verdict as the protections leave it, and let the book take what is raised."""
        if isinstance(verdict, Evaluation):
            judged = {mode: self._allowed(one, candle) for mode, one in verdict.verdicts.items()}
            verdict = replace(verdict, verdicts=judged)
            raised = verdict.verdict(Mode.AUTO)
        else:
            verdict = raised = self._allowed(verdict, candle)
        if self._book is not None and isinstance(raised, Signal):
            self._book.take(raised, candle)
        return verdict

    def _allowed(self, verdict: Signal | NoSignal, candle: Candle) -> Signal | NoSignal:
        if isinstance(verdict, NoSignal):
            return verdict
        moment = Moment(
            now_s=candle.open_time_s + self._interval_s,
            side=verdict.side,
            interval_s=self._interval_s,
            trades=self._book.closed if self._book is not None else (),
            calendar=self._calendar,
        )
        refusals = (protection.refusal(moment) for protection in self._protections)
        why = tuple(refusal for refusal in refusals if refusal is not None)
        return NoSignal(why) if why else verdict


def as_evaluation(opinion: Opinion) -> Evaluation:
    """Return an opinion in the form that the room tells: a verdict alone holds for both modes."""
    if isinstance(opinion.verdict, Evaluation):
        return opinion.verdict
    return Evaluation(indicators=published(opinion.now), scores={}, verdicts=dict.fromkeys(Mode, opinion.verdict))


def published(values: Values) -> dict[str, float | None]:
    """Return indicators as plain numbers: the fields of `bands` are `bands_upper`, `bands_middle`, …"""
    plain: dict[str, float | None] = {}
    for name, value in values.items():
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            plain |= {f"{name}_{field}": part for field, part in zip(value._fields, value, strict=True)}
        else:
            plain[name] = value
    return plain


def _fill(indicator: Any, fed: Columns, count: int) -> Sequence[Any]:
    if isinstance(indicator, Columnar):
        return indicator.fill_columns(fed, count=count)
    return fill_tail(indicator, fed.rows, count=count)
