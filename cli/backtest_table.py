"""A backtest's numbers on a terminal."""

from collections.abc import Mapping

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from research.documents import iso, refusal_counts
from research.statistics import Summary, Tally
from research.trades import BacktestResult

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def show(console: Console, result: BacktestResult, summary: Summary) -> None:
    """Print what was run, all numbers, and where the money came from."""
    console.print(_heading(result))
    console.print(Columns([_results(summary), _risks(summary)], padding=(0, 2)))
    weekdays = {WEEKDAYS[day]: tally for day, tally in summary.by_weekday.items()}
    hours = {f"{hour:02d}:00": tally for hour, tally in summary.by_hour.items()}
    tables = [_tallies("side", summary.by_side), _tallies("month", summary.by_month), _tallies("weekday", weekdays)]
    console.print(Columns([*tables, _tallies("hour UTC", hours)], padding=(0, 2)))
    if result.unfinished is not None:
        console.print(f"One trade was still open at the end ({result.unfinished.side}): it is in no number.")


def _heading(result: BacktestResult) -> Panel:
    rules = result.rules
    refused = sum(refusal_counts(result).values())
    lines = [
        f"{result.symbol} {result.interval}  {iso(result.from_ms)[:16]} to {iso(result.until_ms)[:16]} UTC",
        f"{result.bars:,} candles, {result.ticks:,} quotes, {result.warm_up:,} candles of warm-up",
        f"plan {rules.plan}, entry at the {'closing' if rules.entry == 'close' else 'next'} quote, {rules.lots} lots",
        f"{len(result.signals):,} signals: {len(result.trades):,} trades, {refused:,} refused by the gates",
        f"{result.withheld:,} more withheld while the feed was silent",
    ]
    return Panel("\n".join(lines), title=f"{result.strategy} {result.strategy_version}", expand=False)


def _results(summary: Summary) -> Table:
    rows = {
        "trades": f"{summary.trades:,}",
        "wins / losses": f"{summary.wins:,} / {summary.losses:,}",
        "win rate": _percent(summary.win_rate),
        "P/L": _money(float(summary.pnl)),
        "result in R": f"{summary.r:+,.2f}",
        "profit factor": _number(summary.profit_factor),
        "expectancy": _money(summary.expectancy),
        "expectancy in R": _number(summary.expectancy_r, "+.3f"),
        "average win / loss": f"{_money(summary.average_win)} / {_money(_negated(summary.average_loss))}",
    }
    return _pairs(rows)


def _risks(summary: Summary) -> Table:
    rows = {
        "max drawdown": f"{summary.max_drawdown:,.2f}",
        "max drawdown in R": f"{summary.max_drawdown_r:,.2f}",
        "Sharpe (daily)": _number(summary.sharpe),
        "Sortino (daily)": _number(summary.sortino),
        "exposure": _percent(summary.exposure),
        "longest win streak": f"{summary.win_streak}",
        "longest loss streak": f"{summary.loss_streak}",
        "mean hold": "–" if summary.hold_s_mean is None else f"{summary.hold_s_mean / 60:,.1f} min",
        "best / worst": f"{_money(summary.best)} / {_money(summary.worst)}",
    }
    return _pairs(rows)


def _pairs(rows: Mapping[str, str]) -> Table:
    table = Table(show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right", style="bold")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _tallies(heading: str, tallies: Mapping[str, Tally]) -> Table:
    table = Table(header_style="bold")
    for name in (heading, "trades", "win rate", "P/L"):
        table.add_column(name, justify="left" if name == heading else "right")
    for name, tally in tallies.items():
        colour = "green" if tally.pnl > 0 else "red" if tally.pnl < 0 else "dim"
        table.add_row(name, f"{tally.trades}", _percent(tally.win_rate), f"[{colour}]{_money(float(tally.pnl))}[/]")
    return table


def _money(value: object) -> str:
    return "–" if value is None else f"{float(str(value)):+,.2f}"


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def _number(value: float | None, form: str = ".2f") -> str:
    return "–" if value is None else f"{value:{form}}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
