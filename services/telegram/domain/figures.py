"""What statistics look like in a chat: the result first, then what it cost, then where it came from."""

from collections.abc import Iterable
from decimal import Decimal

from contracts.asks import Statistics, SystemStatistics, Tally
from contracts.messages import SummaryNotice
from services.telegram.domain import numbers, times
from services.telegram.domain.rendering import TEXT_LIMIT, Block, Rendered, fit
from services.telegram.domain.words import Html, Words, bold, join, safe

UNDEFINED = "–"
MOST_STRATEGIES = 12
LONGEST_DAY_MS = 26 * 3_600_000
"""A day has 25 hours where clocks are put back."""


def performance(found: Statistics, words: Words) -> Rendered:
    """Show what a person's own trades came to."""
    return _shown("performance.title", found, words)


def analytics(found: Statistics, words: Words) -> Rendered:
    """Show what the strategies' automatic signals came to, for everybody alike."""
    return _shown("analytics.title", found, words, note="analytics.note")


def system(found: SystemStatistics, words: Words) -> Rendered:
    """Show an operator what everybody's trades came to."""
    people = words("stats.people", subscribers=found.subscribers, live=found.live_positions)
    return _shown("stats.title", found.statistics, words, head=people)


def summary(notice: SummaryNotice, words: Words, zone: str) -> Rendered:
    """Tell what a day came to, and since when where it is more than a day."""
    day = times.day(notice.day, words)
    pnl = bold(numbers.money(notice.pnl, words.language, has_sign=True))
    rate = _percent(notice.wins / (notice.wins + notice.losses) if notice.wins + notice.losses else None, words)
    lines = [
        Html(f"📅 {bold(words('summary.title', day=day))}"),
        words("performance.trades", trades=notice.trades, wins=notice.wins, losses=notice.losses, rate=rate),
        Html(f"P/L {pnl} · {numbers.multiple_of_r(notice.r, words.language)}"),
    ]
    if notice.trades > 1:
        best, worst = _money(notice.best, words), _money(notice.worst, words)
        lines.append(words("performance.extremes", best=best, worst=worst))
    if notice.until_ms - notice.since_ms > LONGEST_DAY_MS:
        since = times.date_time(notice.since_ms, zone, words)
        lines.append(Html(f"<i>{words('summary.since', time=since)}</i>"))
    return Rendered(join(lines))


def _shown(
    title: str, found: Statistics, words: Words, *, head: Html | None = None, note: str | None = None
) -> Rendered:
    first = [Html(f"📊 {bold(words(title))} · {_span(found, words)}")]
    first += [] if head is None else [head]
    if not found.trades:
        return Rendered(join((*first, words("performance.none"))))
    blocks = [
        Block(join(first)),
        Block(join(_result(found, words))),
        Block(join(("", *_risk(found, words)))),
        Block(join(("", *_habits(found, words))), sacrifice=1),
        Block(join(("", *_apart(found, words))), sacrifice=2),
    ]
    if note is not None:
        blocks.append(Block(join(("", Html(f"<i>{words(note)}</i>")))))
    return Rendered(fit(blocks, TEXT_LIMIT))


def _span(found: Statistics, words: Words) -> Html:
    return words("performance.all") if found.days is None else words("performance.days", days=found.days)


def _result(found: Statistics, words: Words) -> Iterable[Html]:
    yield words(
        "performance.trades",
        trades=found.trades,
        wins=found.wins,
        losses=found.losses,
        rate=_percent(found.win_rate, words),
    )
    pnl = bold(numbers.money(found.pnl, words.language, has_sign=True))
    yield Html(f"P/L {pnl} · {numbers.multiple_of_r(found.r, words.language)}")


def _risk(found: Statistics, words: Words) -> Iterable[Html]:
    yield words(
        "performance.expectancy",
        factor=_number(found.profit_factor, words),
        money=_money(found.expectancy, words),
        r=_r(found.expectancy_r, words),
    )
    yield words(
        "performance.drawdown",
        money=numbers.money(found.max_drawdown, words.language),
        r=numbers.number(found.max_drawdown_r, 2, words.language),
    )
    yield words(
        "performance.reward", planned=_number(found.planned_rr, words), realised=_number(found.realised_rr, words)
    )
    yield words("performance.extremes", best=_money(found.best, words), worst=_money(found.worst, words))


def _habits(found: Statistics, words: Words) -> Iterable[Html]:
    yield words("performance.streaks", wins=found.win_streak, losses=found.loss_streak)
    if found.hold_s_mean is not None and found.hold_s_median is not None:
        mean, median = (times.span(round(held_s * 1000), words) for held_s in (found.hold_s_mean, found.hold_s_median))
        yield words("performance.held", mean=mean, median=median)
    if found.best_hour is not None and found.worst_hour is not None and len(found.by_hour) > 1:
        yield words("performance.hours", best=_hour(found.best_hour), worst=_hour(found.worst_hour))


def _apart(found: Statistics, words: Words) -> Iterable[Html]:
    for one in found.by_mode:
        yield _tally(words(f"mode.{one.name}"), one, words)
    for group in (found.by_strategy, found.by_symbol):
        if len(group) > 1:
            for one in sorted(group, key=lambda tally: -tally.trades)[:MOST_STRATEGIES]:
                yield _tally(safe(one.name), one, words)


def _tally(name: Html, one: Tally, words: Words) -> Html:
    return words(
        "performance.tally",
        name=name,
        trades=one.trades,
        rate=_percent(one.win_rate, words),
        pnl=numbers.money(one.pnl, words.language, has_sign=True),
        r=numbers.multiple_of_r(one.r, words.language),
    )


def _percent(rate: float | None, words: Words) -> str:
    return UNDEFINED if rate is None else f"{numbers.number(rate * 100, 1, words.language)} %"


def _number(value: float | None, words: Words) -> str:
    return UNDEFINED if value is None else numbers.number(value, 2, words.language)


def _money(value: float | Decimal | None, words: Words) -> str:
    if value is None:
        return UNDEFINED
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return numbers.money(exact, words.language, has_sign=True)


def _r(value: float | None, words: Words) -> str:
    return UNDEFINED if value is None else numbers.multiple_of_r(value, words.language)


def _hour(hour: int) -> str:
    return f"{hour:02d}:00–{(hour + 1) % 24:02d}:00"
