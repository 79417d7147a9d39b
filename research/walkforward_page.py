"""The page of a walk forward."""

from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from research.report.plots import Page, Plot, day, minute, money, number
from research.search.asking import Question
from research.search.page import name_of
from research.search.splits import NEUTRAL
from research.statistics import Summary
from research.walkforward import Step, efficiency

SOUND = 0.5


def page(question: Question, steps: list[Step], summary: Summary, source: str) -> str:
    """Return the page of a walk as HTML. `source` names the data."""
    it = Page(f"Walk-forward: {question.named['strategy']}")
    kept, pnl = efficiency(steps), float(summary.pnl)
    market = question.market
    span = f"{day(steps[0].window.from_ms)} to {day(steps[-1].window.until_ms)}, {len(steps)} steps"
    colour = "up" if pnl > 0 else "down" if pnl < 0 else "flat"
    it.head(
        str(question.named["strategy"]),
        str(question.named["version"]),
        [f"{market.symbol} {market.candles.interval} of {Path(source).name}", span],
        (colour, number(pnl, "+.2f") + " USD", "out of sample"),
    )
    it.warn(_warnings(steps, kept))
    it.figures(
        [
            ("Trades", str(summary.trades), f"{summary.wins} won, {summary.losses} lost"),
            ("Profit factor", number(summary.profit_factor), "out of sample"),
            ("Expectancy", number(summary.expectancy_r, "+.3f"), "R a trade"),
            ("Efficiency", "–" if kept is None else f"{kept:.0%}", "of P/L a day in sample"),
            ("Max drawdown", number(float(summary.max_drawdown)), f"{summary.max_drawdown_r:.2f} R"),
            ("Steps won", f"{sum(step.unseen.pnl > 0 for step in steps)} of {len(steps)}", "out of sample"),
        ]
    )
    it.draw(_equity(steps))
    it.draw(_values(question, steps), _days(steps))
    changing = _changing(question, steps)
    if changing:
        it.draw(_parameters(question, steps, changing))
    _table(it, question, steps)
    it.rules("Rules of this walk", _rules(question))
    return it.html(f"sinyal walkforward, {Path(source).name}")


def _warnings(steps: list[Step], kept: float | None) -> list[str]:
    silent = [step.window.number for step in steps if step.best is None]
    found = [f"Step {number}: no trial made enough trades, so nothing was tried." for number in silent]
    if kept is not None and kept < SOUND:
        found.append(f"Efficiency {kept:.0%}: below a half, what is found in sample does not last.")
    if kept is None and len(silent) < len(steps):
        found.append("In sample the best found lost money on the whole: there is nothing to keep.")
    return found


def _equity(steps: list[Step]) -> Plot:
    trades = [trade for step in steps for trade in step.trades]
    times = [minute(steps[0].window.at_ms), *(minute(trade.closed_ms) for trade in trades)]
    values = [0.0, *accumulate(float(trade.pnl) for trade in trades)]
    colour = "up" if values[-1] >= 0 else "down"
    trace = {
        "type": "scatter",
        "mode": "lines",
        "x": times,
        "y": [round(value, 2) for value in values],
        "fill": "tozeroy",
        "line": {"color": f"${colour}", "width": 2, "shape": "hv"},
        "fillcolor": f"${colour}/0.12",
        "hovertemplate": "%{y:+.2f}<extra></extra>",
    }
    edges = [step.window.at_ms for step in steps[1:]]
    shapes = [
        {
            "type": "line",
            "x0": minute(edge),
            "x1": minute(edge),
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": "$rule", "width": 1, "dash": "dot"},
        }
        for edge in edges
    ]
    layout = {"xaxis": {"type": "date", "nticks": 7}, "yaxis": {"side": "right"}, "shapes": shapes}
    note = "Running P/L of all trades out of sample, joined; dotted: parameters were searched anew."
    return Plot("equity", "Out of sample", note, [trace], layout)


def _values(question: Question, steps: list[Step]) -> Plot:
    neutral = NEUTRAL[question.objective]
    names = [str(step.window.number) for step in steps]
    found = [step.best.value if step.best else None for step in steps]
    unseen = [step.unseen.value for step in steps]
    colours = ["$up" if (value if value is not None else neutral) > neutral else "$down" for value in unseen]
    line = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": neutral,
        "y1": neutral,
        "line": {"color": "$muted", "width": 1, "dash": "dash"},
    }
    layout = {"barmode": "group", "xaxis": {"type": "category"}, "yaxis": {"side": "right"}, "shapes": [line]}
    return Plot(
        "values",
        name_of(question.objective),
        "Each step: blue in sample, green or red out of sample.",
        [_bars(names, found, "$blue/0.55", "in sample"), _bars(names, unseen, colours, "out of sample")],
        layout,
        "low",
    )


def _days(steps: list[Step]) -> Plot:
    names = [str(step.window.number) for step in steps]
    trained = [round(step.best.pnl / step.window.train_days, 2) if step.best else None for step in steps]
    tested = [round(step.unseen.pnl / step.window.test_days, 2) for step in steps]
    colours = ["$up" if value > 0 else "$down" for value in tested]
    layout = {"barmode": "group", "xaxis": {"type": "category"}, "yaxis": {"side": "right"}}
    return Plot(
        "days",
        "P/L a day",
        "USD on fixed lots, by the calendar.",
        [_bars(names, trained, "$blue/0.55", "in sample"), _bars(names, tested, colours, "out of sample")],
        layout,
        "low",
    )


def _bars(names: list[str], values: list[float | None] | list[float], colour: Any, name: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": names,
        "y": values,
        "name": name,
        "marker": {"color": colour},
        "hovertemplate": f"{name} %{{y:.3f}}<extra></extra>",
    }


def _changing(question: Question, steps: list[Step]) -> list[str]:
    """Name the parameters that were not found alike at every step."""
    found = [step.best.parameters for step in steps if step.best is not None]
    return [name for name in question.space.distributions if any(a[name] != b[name] for a, b in pairwise(found))]


def _parameters(question: Question, steps: list[Step], names: list[str]) -> Plot:
    """Each parameter's way through its own range: one that jumps about was never found."""
    found = [step for step in steps if step.best is not None]
    palette = ("$blue", "$violet", "$orange", "$up", "$down", "$ink", "$muted")
    traces = []
    for at, name in enumerate(names[: len(palette)]):
        one: Any = question.space.distributions[name]
        values = [step.best.parameters[name] for step in found if step.best is not None]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": [str(step.window.number) for step in found],
                "y": [(value - one.low) / ((one.high - one.low) or 1) for value in values],
                "text": [f"{value:g}" for value in values],
                "line": {"color": palette[at], "width": 2},
                "hovertemplate": f"{name} %{{text}}<extra></extra>",
            }
        )
    layout = {
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.15},
        "xaxis": {"type": "category"},
        "yaxis": {"side": "right", "tickformat": ".0%", "range": [-0.05, 1.05]},
    }
    return Plot(
        "parameters",
        "What was found",
        "Each parameter by its place in its range; what jumps about was noise.",
        traces,
        layout,
    )


def _table(it: Page, question: Question, steps: list[Step]) -> None:
    names = list(question.space.distributions)
    heads = ["Step", "Searched", "Tried to", "In", "Out", "P/L in", "P/L out", "Trades in", "Trades out", *names]
    rows = []
    for step in steps:
        best, window = step.best, step.window
        searched = f"{day(window.from_ms)} to {day(window.at_ms)}"
        if best is None:
            rows.append([str(window.number), searched, day(window.until_ms), *["–"] * (6 + len(names))])
            continue
        rows.append(
            [
                str(window.number),
                searched,
                day(window.until_ms),
                number(best.value, ".3f"),
                number(step.unseen.value, ".3f"),
                money(best.pnl),
                money(step.unseen.pnl),
                str(best.trades),
                str(step.unseen.trades),
                *(f"{best.parameters[name]:g}" for name in names),
            ]
        )
    it.table("Steps", "In sample and out of sample, side by side.", heads, rows)


def _rules(question: Question) -> list[str]:
    goal = name_of(question.objective).lower()
    return [
        f"At each step {question.trials} trials make {goal} as large as possible; the best is tried behind the window.",
        f"Trials with fewer than {question.fewest} trades count nothing.",
        "A trade counts in the span that it closed in; every stretch begins without a position.",
        "Efficiency is the P/L a day out of sample over the P/L a day in sample (Pardo 2008); above a half is sound.",
        f"Plan {question.rules.plan}, entry at {question.rules.entry.value}, slippage {question.rules.slippage:g}.",
    ]
