"""Drives one strategy over closed candles: the live room, the backtest, the search and the look-ahead check by this.

What is said about a candle is a function of the candles up to it (see `anchors`) and of the calendar; not of when the
run began, nor of whether it was fed one candle at a time or whole columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import Any

import numpy as np

from contracts.messages import Mode, Side
from services.signals.domain.anchors import HELD, WARM_UP, Stretch, block_of, last_stretch, stretches
from services.signals.domain.candle import Candle
from services.signals.domain.classic import Columnar
from services.signals.domain.columns import Columns, columns_of, part
from services.signals.domain.history import CandleHistory
from services.signals.domain.indicator import Indicator, fill_tail
from services.signals.domain.opinion import Evaluation, NoSignal, Signal
from services.signals.domain.protections import Calendar, Moment
from services.signals.domain.reference_trades import ReferenceBook
from services.signals.domain.strategy import Strategy
from services.signals.domain.view import NOTHING, Values, View, record_named, values_of

TOO_FEW = NoSignal(("why.too_few_candles",))
UNDEFINED = NoSignal(("why.indicator_undefined",))

UNSCORED: Mapping[Side, int] = {}

Verdict = Signal | NoSignal | Evaluation
"""What a strategy answers."""


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
            evaluation = self._reader.step(rows, place)
        else:
            evaluation = self._reader.restart(rows[: place + 1])
        self._judged = _Judged(open_time_s, self._history.revision)
        return evaluation

    def evaluations(
        self, columns: Columns, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[int, Evaluation]]:
        """Yield (place, what the strategy says) for each candle of [first, last), None being the end."""
        for reader, stretch in self._readers(columns, first, last):
            for place, now, verdict in reader.read(columns, stretch):
                yield place, as_evaluation(verdict, now)

    def signals(self, columns: Columns, first: int = 0, last: int | None = None) -> Iterator[tuple[int, Signal]]:
        """Yield (place, signal) for each candle of [first, last) on which one is raised by itself (mode auto)."""
        return ((place, signal) for place, signal, _ in self.raised(columns, first, last))

    def raised(
        self, columns: Columns, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[int, Signal, Mapping[Side, int]]]:
        """Yield what `signals` yields, each with the scores that the strategy counted; none where it does not count."""
        ahead = _Ahead(columns, first)
        for reader, stretch in self._readers(columns, first, last):
            for place, verdict in reader.spoken(columns, stretch, ahead):
                if isinstance(verdict, Evaluation):
                    signal, scores = verdict.verdict(Mode.AUTO), verdict.scores
                else:
                    signal, scores = verdict, UNSCORED
                if isinstance(signal, Signal):
                    yield place, signal, scores

    def _readers(self, columns: Columns, first: int, last: int | None) -> Iterator[tuple["_Reader", Stretch]]:
        end = len(columns.open_time_s) if last is None else last
        for stretch in stretches(columns.open_time_s, self.strategy.interval.seconds):
            if stretch.last > first and stretch.first < end:
                asked = Stretch(stretch.seed, max(stretch.first, first), min(stretch.last, end))
                yield _Reader(self.strategy, self._calendar), asked

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
        self._before: Values = NOTHING
        keeps_book = any(protection.needs_trades for protection in self._protections)
        self._book = ReferenceBook(self._interval_s) if keeps_book else None

    @property
    def is_stateless(self) -> bool:
        """Whether a window of candles is all that it looks at."""
        return not self._indicators and self._book is None

    def restart(self, rows: Sequence[Candle]) -> Evaluation:
        """Return what the strategy says about the last of `rows`, ready to go on with `step`."""
        columns = columns_of(rows)
        newest = last_stretch(columns.open_time_s, self._interval_s)
        self._reset()
        *_, (_, now, verdict) = self.read(columns, Stretch(newest.seed, len(rows) - 1, len(rows)))
        return as_evaluation(verdict, now)

    def step(self, rows: Sequence[Candle], place: int) -> Evaluation:
        """Return what the strategy says about the candle at `place`, which follows the last one read."""
        candle = rows[place]
        now = values_of(self._names, [indicator.update(candle) for indicator in self._indicators.values()])
        return as_evaluation(self._read_one(rows, place, now), now)

    def read(self, columns: Columns, stretch: Stretch) -> Iterator[tuple[int, Values, Verdict]]:
        """Yield (place, indicators, verdict) for each candle of [first, last) of a stretch, from a fresh state."""
        # Reference trades follow from every signal since the seed; without them the candle before the first is enough.
        begin = stretch.seed if self._book is not None else max(stretch.seed, stretch.first - 1)
        rows = columns.rows
        series = self._series(columns, stretch.seed, begin, stretch.last)
        for place, now in enumerate(self._rows(series, stretch.last - begin), start=begin):
            if self._book is None and place < stretch.first:
                self._before = now
                continue
            verdict = self._read_one(rows, place, now)
            if place >= stretch.first:
                yield place, now, verdict

    def spoken(self, columns: Columns, stretch: Stretch, ahead: "_Ahead") -> Iterator[tuple[int, Verdict]]:
        """Yield (place, verdict) as `read` does, less most of the candles on which there is no signal; far quicker."""
        if self._protections:
            yield from ((place, verdict) for place, _, verdict in self.read(columns, stretch))
            return
        rows, evaluate = columns.rows, self._strategy.evaluate
        begin = max(stretch.seed, stretch.first - 1)
        first = max(stretch.first, self._strategy.candles_needed - 1)
        if first >= stretch.last:
            return
        columned = [
            ahead.of(name, one, Stretch(stretch.seed, begin, stretch.last)) for name, one in self._indicators.items()
        ]
        undefined = {begin + offset for _, holes in columned for offset in holes}
        if columned and first == begin:
            undefined.add(first - 1)  # nothing stands before the first candle of all
        count = stretch.last - begin
        values = zip(*[series for series, _ in columned], strict=True) if columned else repeat((), count)
        before: tuple[Any, ...] = next(islice(values, first - begin - 1, None)) if first > begin else ()
        named = values_of(self._names, ())
        # One view for all, and values without their names: making either costs as much as a decision.
        view = View(rows, first, self._strategy.window_length, named, named)
        for place, now in enumerate(values, start=first):
            view._place, view.values, view.values_before = place, now, before  # noqa: SLF001
            before = now
            if undefined and (place in undefined or place - 1 in undefined):
                continue
            verdict = evaluate(view)
            if type(verdict) is not NoSignal:
                yield place, verdict

    def _series(self, columns: Columns, seed: int, begin: int, end: int) -> list[Sequence[Any]]:
        """Return for each indicator its values at the candles of [begin, end), fed from `seed` on."""
        fed = part(columns, seed, end)
        return [_fill(indicator, fed, end - begin) for indicator in self._indicators.values()]

    def _rows(self, series: Sequence[Sequence[Any]], count: int) -> Iterator[Values]:
        """Yield the values of `count` candles, each under the indicators' names."""
        if not series:
            return repeat(NOTHING, count)
        return map(tuple.__new__, repeat(record_named(self._names)), zip(*series, strict=True))

    def _read_one(self, rows: Sequence[Candle], place: int, now: Values) -> Verdict:
        before, self._before = self._before, now
        if self._book is not None:
            self._book.pass_candle(rows[place])
        strategy = self._strategy
        if place + 1 < strategy.candles_needed:
            return TOO_FEW
        if self._indicators and (not before or None in now or None in before):
            return UNDEFINED
        verdict = strategy.evaluate(View(rows, place, strategy.window_length, now, before))
        return self._protected(verdict, rows[place]) if self._protections else verdict

    def _protected(self, verdict: Verdict, candle: Candle) -> Verdict:
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


def as_evaluation(verdict: Verdict, now: Values) -> Evaluation:
    """Return a verdict in the form that the room tells: one alone holds for both modes."""
    if isinstance(verdict, Evaluation):
        return verdict
    return Evaluation(indicators=published(now), scores={}, verdicts=dict.fromkeys(Mode, verdict))


def published(values: Values) -> dict[str, float | None]:
    """Return indicators as plain numbers: the fields of `bands` are `bands_upper`, `bands_middle`, …"""
    plain: dict[str, float | None] = {}
    for name, value in zip(values._fields, values, strict=True):
        if isinstance(value, tuple):
            plain |= {f"{name}_{field}": part for field, part in published(value).items()}
        else:
            plain[name] = value
    return plain


def _fill(indicator: Any, fed: Columns, count: int) -> Sequence[Any]:
    if isinstance(indicator, Columnar):
        return indicator.fill_columns(fed, count=count)
    return fill_tail(indicator, fed.rows, count=count)


class _Ahead:
    """Indicators worked out in one go, for a run over columns that is asked about nothing before `first`."""

    def __init__(self, columns: Columns, first: int) -> None:
        self._columns = columns
        self._first = first
        self._whole: dict[str, tuple[int, Any]] = {}

    def of(self, name: str, indicator: Indicator[Candle, Any], asked: Stretch) -> tuple[Sequence[Any], list[int]]:
        """Return the values at the candles asked for, and at which of them one is undefined and stands for nothing."""
        if not isinstance(indicator, Columnar):
            values = _fill(indicator, part(self._columns, asked.seed, asked.last), asked.last - asked.first)
            return values, [offset for offset, value in enumerate(values) if value is None]
        begun, found = self._arrays(name, indicator, asked)
        fields = [field[asked.first - begun : asked.last - begun] for field in _fields(found)]
        holes = [hole for field in fields if np.isnan(field).any() for hole in np.flatnonzero(np.isnan(field)).tolist()]
        lists = [field.tolist() for field in fields]
        if not isinstance(found, tuple):
            return lists[0], holes
        return list(map(tuple.__new__, repeat(type(found)), zip(*lists, strict=True))), holes

    def _arrays(self, name: str, indicator: Columnar[Any], asked: Stretch) -> tuple[int, Any]:
        """Return arrays and the place at which they begin; a short memory is the same from any seed: filled once."""
        if indicator.memory is None or indicator.memory > WARM_UP:
            return asked.seed, indicator.array(part(self._columns, asked.seed, asked.last))
        if name not in self._whole:
            begun = max(0, self._first - indicator.memory)
            self._whole[name] = begun, indicator.array(part(self._columns, begun, len(self._columns.open_time_s)))
        return self._whole[name]


def _fields(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)
