"""What statistics look like in a chat: the result first, then what it cost, then where it came from.

One fact a line: at the width of a phone two would be broken somewhere, an amount from its unit.
"""

from collections.abc import Iterable
from decimal import Decimal

from contracts.asks import Statistics, SystemStatistics, Tally
from contracts.messages import SummaryNotice
from services.telegram.domain import numbers, times
from services.telegram.domain.rendering import CAPTION_LIMIT, TEXT_LIMIT, Block, Rendered, fit
from services.telegram.domain.words import Html, Words, bold, join, safe

UNDEFINED = "–"
MOST_STRATEGIES = 12
LONGEST_DAY_MS = 26 * 3_600_000
"""A day has 25 hours where clocks are put back."""
_TOGETHER = "\N{NO-BREAK SPACE}"


def performance(found: Statistics, words: Words) -> Rendered:
    """Show what a person's own trades came to."""
    return _shown("performance.title", found, words, has_picture=True)


def analytics(found: Statistics, words: Words) -> Rendered:
    """Show what the strategies' automatic signals came to, for everybody alike."""
    return _shown("analytics.title", found, words, note=words("analytics.note"), has_picture=True)


def system(found: SystemStatistics, words: Words) -> Rendered:
    """Show an operator what everybody's trades came to."""
    people = (
        words("stats.subscribers", count=numbers.number(found.subscribers, 0, words.language)),
        words("stats.live", count=numbers.number(found.live_positions, 0, words.language)),
    )
    return _shown("stats.title", found.statistics, words, head=people)


def summary(notice: SummaryNotice, words: Words, zone: str) -> Rendered:
    """Tell what a day came to, and since when where it is more than a day."""
    day = times.day(notice.day, words)
    rate = notice.wins / (notice.wins + notice.losses) if notice.wins + notice.losses else None
    lines = [
        Html(f"📅 {bold(words('summary.title', day=day))}"),
        _result(notice.pnl, notice.r, words),
        words("performance.trades", **_counts(notice, words)),
        words("performance.rate", rate=_percent(rate, words)),
    ]
    if notice.trades > 1:
        lines += _extremes(notice.best, notice.worst, words)
    if notice.until_ms - notice.since_ms > LONGEST_DAY_MS:
        since = times.date_time(notice.since_ms, zone, words)
        lines.append(Html(f"<i>{words('summary.since', time=since)}</i>"))
    return Rendered(join(lines))


def _shown(
    title: str,
    found: Statistics,
    words: Words,
    *,
    head: Iterable[Html] = (),
    note: Html | None = None,
    has_picture: bool = False,
) -> Rendered:
    first = [Html(f"📊 {bold(words(title))} · {_span(found, words)}"), *head]
    if not found.trades:
        later = [words("performance.no_picture")] if has_picture else []
        return Rendered(join((*first, words("performance.none"), *later)))
    blocks = [
        Block(join((*first, *_results(found, words)))),
        Block(join(("", *_risk(found, words)))),
        Block(join(("", *_habits(found, words))), sacrifice=1),
        *(Block(tally, sacrifice=2) for tally in _apart(found, words)),
    ]
    if note is not None:
        blocks.append(Block(join(("", Html(f"<i>{note}</i>")))))
    return Rendered(fit(blocks, TEXT_LIMIT if found.chart_key is None else CAPTION_LIMIT))


def _span(found: Statistics, words: Words) -> Html:
    return words("performance.all") if found.days is None else words("performance.days", days=found.days)


def _result(pnl: Decimal, r: float, words: Words) -> Html:
    return Html(f"P/L {bold(_money(pnl, words))} · {numbers.multiple_of_r(r, words.language)}")


def _counts(found: Statistics | SummaryNotice, words: Words) -> dict[str, str]:
    counted = {"trades": found.trades, "wins": found.wins, "losses": found.losses}
    return {name: numbers.number(count, 0, words.language) for name, count in counted.items()}


def _results(found: Statistics, words: Words) -> Iterable[Html]:
    yield _result(found.pnl, found.r, words)
    yield words("performance.trades", **_counts(found, words))
    yield words("performance.rate", rate=_percent(found.win_rate, words))
    yield words("performance.factor", factor=_number(found.profit_factor, words))


def _risk(found: Statistics, words: Words) -> Iterable[Html]:
    yield words("performance.expectancy", money=_money(found.expectancy, words), r=_r(found.expectancy_r, words))
    yield words(
        "performance.drawdown",
        money=_together(numbers.money(found.max_drawdown, words.language)),
        r=numbers.number(found.max_drawdown_r, 2, words.language),
    )
    yield words(
        "performance.reward", planned=_number(found.planned_rr, words), realised=_number(found.realised_rr, words)
    )
    yield from _extremes(found.best, found.worst, words)


def _extremes(best: Decimal | None, worst: Decimal | None, words: Words) -> Iterable[Html]:
    yield words("performance.best", money=_money(best, words))
    yield words("performance.worst", money=_money(worst, words))


def _habits(found: Statistics, words: Words) -> Iterable[Html]:
    yield words("performance.streaks", wins=found.win_streak, losses=found.loss_streak)
    if found.hold_s_mean is not None and found.hold_s_median is not None:
        yield words("performance.held", span=_together(times.span(round(found.hold_s_mean * 1000), words)))
        yield words("performance.held_median", span=_together(times.span(round(found.hold_s_median * 1000), words)))
    if found.best_hour is not None and found.worst_hour is not None and len(found.by_hour) > 1:
        yield words("performance.best_hour", hour=_hour(found.best_hour))
        yield words("performance.worst_hour", hour=_hour(found.worst_hour))


def _apart(found: Statistics, words: Words) -> Iterable[Html]:
    """Show some trades after the other, those that matter most first: what does not fit is left out from the end."""
    for place, one in enumerate(found.by_mode):
        tally = _tally(words(f"mode.{one.name}"), one, words)
        yield tally if place else Html(f"\n{tally}")
    for group in (found.by_strategy, found.by_symbol):
        if len(group) > 1:
            for one in sorted(group, key=lambda tally: -tally.trades)[:MOST_STRATEGIES]:
                yield _tally(safe(one.name), one, words)


def _tally(name: Html, one: Tally, words: Words) -> Html:
    counted = words(
        "performance.tally",
        name=bold(name),
        trades=numbers.number(one.trades, 0, words.language),
        rate=_percent(one.win_rate, words),
    )
    return Html(f"{counted}\n{_money(one.pnl, words)} · {numbers.multiple_of_r(one.r, words.language)}")


def _percent(rate: float | None, words: Words) -> str:
    return UNDEFINED if rate is None else _together(f"{numbers.number(rate * 100, 1, words.language)} %")


def _number(value: float | None, words: Words) -> str:
    return UNDEFINED if value is None else numbers.number(value, 2, words.language)


def _money(value: float | Decimal | None, words: Words) -> str:
    if value is None:
        return UNDEFINED
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return _together(numbers.money(exact, words.language, has_sign=True))


def _together(text: str) -> str:
    """Keep an amount and its unit on one line."""
    return text.replace(" ", _TOGETHER)


def _r(value: float | None, words: Words) -> str:
    return UNDEFINED if value is None else numbers.multiple_of_r(value, words.language)


def _hour(hour: int) -> str:
    return f"{hour:02d}:00–{(hour + 1) % 24:02d}:00"
