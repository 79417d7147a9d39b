"""The page of one backtest."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from research.documents import iso, refusal_counts
from research.market import Market
from research.report.figures import MOST_TRADES, WEEKDAYS, figures
from research.report.paper import Sheet, print_page
from research.report.words import COUNTED, rules_in_words, warnings
from research.statistics import Summary, Tally
from research.trades import BacktestResult, Trade

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NONE = "–"


def report(result: BacktestResult, summary: Summary, market: Market, source: str) -> str:
    """Return the report of a backtest as one page of HTML. `source` names the data."""
    parts = [_header(result, summary, source), *map(_warning, warnings(result)), _figures(summary)]
    if result.trades:
        parts += [_equity(), _candles(), _distributions(summary), _months(summary), _trades(result)]
    else:
        parts += ['<section><h2>No trade</h2><p class="under">Where the signals went is told below.</p></section>']
        parts += [_candles()]
    parts += [_setup(result), _counting(), f"<footer>sinyal backtest, {escape(source)}</footer>"]
    sheet = Sheet(
        title=f"{result.strategy} on {result.symbol} {result.interval}",
        body="".join(parts),
        data=figures(result, summary, market),
        scripts=("backtest.js",),
    )
    return print_page(sheet)


def _header(result: BacktestResult, summary: Summary, source: str) -> str:
    pnl = float(summary.pnl)
    colour = "up" if pnl > 0 else "down" if pnl < 0 else "flat"
    span = f"{_day(result.from_ms)} to {_day(result.until_ms)}"
    tested = f"{result.bars:,} candles" + (f", {result.ticks:,} quotes" if result.ticks else "")
    return (
        f"<header><div><h1>{escape(result.strategy)} <small>{escape(result.strategy_version)}</small></h1>"
        f'<p class="under">{result.symbol} {result.interval}, {span}<br>'
        f"{tested} of {escape(Path(source).name)}</p></div>"
        f'<div class="verdict {colour}">{_money(pnl)} USD<small>{_signed(summary.r)} R</small></div></header>'
    )


def _warning(text: str) -> str:
    return f'<p class="warning">{escape(text)}</p>'


def _figures(summary: Summary) -> str:
    holds = NONE if summary.hold_s_mean is None else _duration(summary.hold_s_mean)
    median = "" if summary.hold_s_median is None else f"median {_duration(summary.hold_s_median)}"
    neither = summary.trades - summary.wins - summary.losses
    cells = [
        (
            "Trades",
            f"{summary.trades:,}",
            f"{summary.wins} won, {summary.losses} lost" + (f", {neither} even" * bool(neither)),
        ),
        ("Win rate", _percent(summary.win_rate), f"longest runs {summary.win_streak} and {summary.loss_streak}"),
        (
            "Profit factor",
            _number(summary.profit_factor),
            f"{_plain(summary.gross_profit)} against {_plain(summary.gross_loss)}",
        ),
        ("Expectancy", _money(summary.expectancy), f"{_number(summary.expectancy_r, '+.3f')} R a trade"),
        ("Average win", _money(summary.average_win), f"best {_money(summary.best)}"),
        ("Average loss", _money(_negated(summary.average_loss)), f"worst {_money(summary.worst)}"),
        ("Max drawdown", _plain(summary.max_drawdown), f"{summary.max_drawdown_r:.2f} R"),
        ("Sharpe", _number(summary.sharpe), f"of {summary.days} days"),
        ("Sortino", _number(summary.sortino), "losing days only"),
        ("Exposure", _percent(summary.exposure), "of all candles"),
        ("Hold time", holds, median),
        ("BUY / SELL", f"{summary.by_side['BUY'].trades} / {summary.by_side['SELL'].trades}", _sides(summary)),
    ]
    inside = "".join(
        f'<div class="figure"><dt>{name}</dt><dd>{value}<small>{under}</small></dd></div>'
        for name, value, under in cells
    )
    return f'<dl class="figures">{inside}</dl>'


def _equity() -> str:
    return (
        '<section><h2>Equity and drawdown</h2><p class="note">Running P/L of closed trades in USD, and below it how far'
        ' it stands under its highest point.</p><div id="equity" class="plot middle"></div></section>'
    )


def _candles() -> str:
    buttons = (
        ("previous", "◀ Trade"),
        ("next", "Trade ▶"),
        ("nearer", "Zoom in"),
        ("farther", "Zoom out"),
        ("all", "All"),
    )
    row = "".join(f'<button id="{name}" type="button">{label}</button>' for name, label in buttons)
    return (
        '<section><h2>Trades on candles</h2><p class="note">▲ buy, ▼ sell, ● exit, green where it won. Mid prices;'
        " closed markets are left out.</p>"
        f'<div class="bar">{row}<output id="view"></output></div><div id="candles" class="plot tall"></div></section>'
    )


def _distributions(summary: Summary) -> str:
    sides = _table(("Side", *_TALLY), ((side, *_tally(tally)) for side, tally in summary.by_side.items()))
    days = _table(("Weekday", *_TALLY), ((WEEKDAYS[day], *_tally(tally)) for day, tally in summary.by_weekday.items()))
    return (
        '<div class="pair"><section><h2>By hour</h2><p class="note">P/L by the hour of opening, UTC.</p>'
        '<div id="hours" class="plot low"></div></section>'
        '<section><h2>By weekday</h2><p class="note">P/L by the weekday of opening.</p>'
        '<div id="weekdays" class="plot low"></div></section>'
        '<section><h2>Results</h2><p class="note">Trades by their result in R.</p>'
        '<div id="results" class="plot low"></div></section>'
        f'<section><h2>By side and weekday</h2><div class="scroll">{sides}{days}</div></section></div>'
    )


_TALLY = ("Trades", "Win rate", "R", "P/L")


def _tally(tally: Tally) -> tuple[str, ...]:
    return f"{tally.trades}", _percent(tally.win_rate), _signed(tally.r), _coloured(float(tally.pnl))


def _months(summary: Summary) -> str:
    """A row for each year, a column for each month, shaded by what it came to."""
    years = sorted({name[:4] for name in summary.by_month})
    most = max((abs(float(tally.pnl)) for tally in summary.by_month.values()), default=0.0) or 1.0
    rows = []
    for year in years:
        cells = [_month(summary.by_month.get(f"{year}-{month:02d}"), most) for month in range(1, 13)]
        total = sum(float(tally.pnl) for name, tally in summary.by_month.items() if name.startswith(year))
        rows.append(f"<tr><td>{year}</td>{''.join(cells)}<td><b>{_coloured(total)}</b></td></tr>")
    heads = "".join(f"<th>{name}</th>" for name in ("Year", *MONTHS, "Total"))
    return (
        '<section><h2>Months</h2><p class="note">P/L in USD by the month of closing.</p><div class="scroll">'
        f'<table class="months"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div></section>'
    )


def _month(tally: Tally | None, most: float) -> str:
    if tally is None:
        return "<td></td>"
    pnl = float(tally.pnl)
    shade = f"rgba({'18,184,134' if pnl >= 0 else '245,69,92'},{0.10 + 0.45 * abs(pnl) / most:.2f})"
    return f'<td style="background:{shade}" title="{tally.trades} trades">{_money(pnl)}</td>'


def _trades(result: BacktestResult) -> str:
    shown = result.trades[-MOST_TRADES:]
    left_out = len(result.trades) - len(shown)
    note = "Choose one to see it on the candles." + (f" The first {left_out:,} are left out." * bool(left_out))
    heads = ("#", "Side", "Opened (UTC)", "Entry", "Stop", "Target", "Closed (UTC)", "Exit", "Reason", "R", "P/L")
    rows = "".join(
        f'<tr tabindex="0" data-trade="{at}"><td>{left_out + at + 1}</td>{_data(_cells(trade))}</tr>'
        for at, trade in enumerate(shown)
    )
    return (
        f'<section><h2>Trades</h2><p class="note">{note}</p><div class="scroll long"><table id="trades"><thead><tr>'
        f"{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _cells(trade: Trade) -> tuple[str, ...]:
    targets = " ".join(f"{target:.2f}" for target in trade.targets)
    reason = trade.reason.value.replace("_", " ") + (f" ({len(trade.parts)} parts)" * (len(trade.parts) > 1))
    return (
        trade.side.value, _minute(trade.opened_ms), f"{trade.entry:.2f}", f"{trade.stop:.2f}", targets,
        _minute(trade.closed_ms), f"{trade.exit:.2f}", reason, _signed(trade.r), _coloured(float(trade.pnl)),
    )  # fmt: skip


def _setup(result: BacktestResult) -> str:
    parameters = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in result.parameters.items())
    rules = "".join(f"<li>{escape(rule)}</li>" for rule in rules_in_words(result))
    fates = "".join(f"<dt>{name}</dt><dd>{count:,}</dd>" for name, count in _fates(result).items())
    return (
        f'<div class="pair"><section><h2>Rules of this test</h2><ul class="rules">{rules}</ul></section>'
        f'<section><h2>Parameters</h2><dl class="terms">{parameters or "<dt>none</dt><dd></dd>"}</dl></section></div>'
        f'<section><h2>What became of {len(result.signals):,} signals</h2><dl class="terms">{fates}</dl></section>'
    )


REFUSALS = {
    "why.position_open": "refused: a trade was open",
    "why.cooldown": "refused: too soon after the last",
    "why.same_signal": "refused: too like the last",
    "why.spread_too_wide": "refused: spread too wide",
    "why.slippage_pause": "refused: pause after slippage",
}


def _fates(result: BacktestResult) -> dict[str, int]:
    counts = {"became trades": len(result.trades), "still open at the end": int(result.unfinished is not None)}
    counts |= {escape(REFUSALS.get(reason, reason)): count for reason, count in refusal_counts(result).items()}
    return counts | {
        "never raised, the feed was silent": result.withheld,
        "candles before the first that could be judged": result.warm_up,
    }


def _counting() -> str:
    inside = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in COUNTED.items())
    return (
        "<section><details><summary>How each number is counted</summary>"
        f'<dl class="terms long-terms">{inside}</dl></details></section>'
    )


def _table(heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join(f"<tr>{_data(row)}</tr>" for row in rows)
    return (
        f"<table><thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead><tbody>{body}</tbody></table>"
    )


def _data(cells: Iterable[str]) -> str:
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _sides(summary: Summary) -> str:
    return " / ".join(_money(float(summary.by_side[side].pnl)) for side in ("BUY", "SELL"))


def _coloured(value: float) -> str:
    colour = "up" if value > 0 else "down" if value < 0 else ""
    return f'<span class="{colour}">{_money(value)}</span>'


def _money(value: object) -> str:
    return NONE if value is None else _signed(float(str(value)))


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+,.2f}".replace("-", "−")  # + 0.0: no minus on a zero


def _plain(value: object) -> str:
    return f"{float(str(value)):,.2f}"


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def _number(value: float | None, form: str = ".2f") -> str:
    return NONE if value is None else f"{value:{form}}".replace("-", "−")


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{value:.1%}"


def _duration(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2 * 86_400 else f"{seconds / 86_400:.1f} d"


def _minute(moment_ms: int) -> str:
    return iso(moment_ms)[:19].replace("T", " ")


def _day(moment_ms: int) -> str:
    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%-d %b %Y}"
