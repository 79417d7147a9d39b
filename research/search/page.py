"""The page of a search."""

from collections.abc import Mapping
from html import escape
from itertools import accumulate
from pathlib import Path

from research.report.plots import Page, Plot, day, money, number
from research.search.asking import Answer, Question
from research.search.importance import importances
from research.search.objectives import Objective
from research.search.splits import NEUTRAL
from research.search.trials import Ending, Outcome

ROWS = 25


def page(question: Question, answer: Answer, source: str) -> str:
    """Return the page of a search as HTML. `source` names the data."""
    best = answer.found.best
    it = Page(f"Search: {question.named['strategy']}")
    it.head(
        str(question.named["strategy"]),
        str(question.named["version"]),
        _under(question, answer, source),
        _verdict(question, answer),
    )
    it.warn(answer.warnings)
    it.figures(_figures(question, answer))
    if best is not None:
        shares = importances(question.space, answer.found)
        it.draw(_history(question, answer))
        if shares:
            it.draw(_importance(shares), _proof(question, answer))
            for pair in _pairs([*shares][:4]):
                it.draw(*(_slice(question, answer, name) for name in pair))
        _table(it, question, answer)
    it.rules("Rules of this search", _rules(question))
    return it.html(f"sinyal optimize, {Path(source).name}")


def name_of(objective: Objective) -> str:
    """Write an objective for people."""
    return {
        "profit_factor": "Profit factor",
        "expectancy_r": "Expectancy (R)",
        "sharpe": "Sharpe",
        "calmar": "P/L over drawdown",
    }[objective.value]


def _under(question: Question, answer: Answer, source: str) -> list[str]:
    split, market = answer.split, question.market
    told = [
        f"{market.symbol} {market.candles.interval} of {Path(source).name}",
        f"in sample {day(split.from_ms)} to {day(split.at_ms)}",
    ]
    if split.at_ms < split.until_ms:
        told[1] += f", out of sample to {day(split.until_ms)}"
    return told


def _verdict(question: Question, answer: Answer) -> tuple[str, str, str]:
    best, name = answer.found.best, name_of(question.objective).lower()
    if best is None:
        return "flat", "nothing found", "no trial made enough trades"
    neutral = NEUTRAL[question.objective]
    if not answer.unseen:
        return "flat", number(best.value), f"{name}, in sample only"
    value = answer.unseen[0].value
    colour = "flat" if value is None else "up" if value > neutral else "down"
    return colour, number(value), f"{name} out of sample"


def _figures(question: Question, answer: Answer) -> list[tuple[str, str, str]]:
    outcomes, best = answer.found.outcomes, answer.found.best
    counts = {ending: sum(one.ending is ending for one in outcomes) for ending in Ending}
    resumed = f", {answer.found.resumed} from before" if answer.found.resumed else ""
    cells = [
        ("Trials", f"{len(outcomes)}", f"seed {question.seed}{resumed}"),
        ("Ran to the end", f"{counts[Ending.COMPLETE]}", f"{counts[Ending.TOO_FEW]} more made too few trades"),
        ("Given up early", f"{counts[Ending.PRUNED]}", f"{counts[Ending.REFUSED]} were refused"),
    ]
    if best is not None:
        unseen = answer.unseen[0] if answer.unseen else None
        cells += [
            ("Best in sample", number(best.value), f"trial {best.index}, {best.trades} trades"),
            ("Out of sample", number(unseen.value if unseen else None), f"{unseen.trades if unseen else 0} trades"),
            ("P/L in, out", number(best.pnl, "+.2f"), number(unseen.pnl if unseen else None, "+.2f")),
        ]
    return cells


def _history(question: Question, answer: Answer) -> Plot:
    complete = [one for one in answer.found.outcomes if one.ending is Ending.COMPLETE]
    values = [one.value or 0.0 for one in complete]
    neutral = NEUTRAL[question.objective]
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [one.index for one in complete],
            "y": values,
            "marker": {"color": ["$up/0.75" if value > neutral else "$down/0.75" for value in values], "size": 7},
            "text": [_parameters(question, one) for one in complete],
            "hovertemplate": "trial %{x}: %{y:.3f}<br>%{text}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "x": [one.index for one in complete],
            "y": list(accumulate(values, max)),
            "line": {"color": "$blue", "width": 2, "shape": "hv"},
            "hovertemplate": "best so far %{y:.3f}<extra></extra>",
        },
    ]
    layout = {
        "hovermode": "closest",
        "xaxis": {"title": {"text": "trial"}},
        "yaxis": {"side": "right"},
        "shapes": [_level(neutral)],
    }
    name = name_of(question.objective)
    return Plot(
        "history",
        f"{name} of each trial",
        f"A dot is a trial that ran to its end; the line is the best so far. Dashed: {neutral:g}, what luck gives.",
        traces,
        layout,
    )


def _level(value: float) -> dict[str, object]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": value,
        "y1": value,
        "line": {"color": "$muted", "width": 1, "dash": "dash"},
    }


def _importance(shares: Mapping[str, float]) -> Plot:
    names = list(shares)[::-1]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [shares[name] for name in names],
        "y": names,
        "marker": {"color": "$violet"},
        "text": [f"{shares[name]:.0%}" for name in names],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.1%}<extra></extra>",
    }
    layout = {
        "hovermode": "closest",
        "xaxis": {"tickformat": ".0%", "range": [0, max(shares.values()) * 1.18]},
        "yaxis": {},
    }
    return Plot(
        "importance",
        "What it hung on",
        "Share of each parameter in what parts good trials from the rest.",
        [trace],
        layout,
    )


def _proof(question: Question, answer: Answer) -> Plot:
    """In sample against out of sample: on the diagonal nothing was lost."""
    rows = [(one, un) for one, un in zip(answer.found.ranking, answer.unseen, strict=False) if un.value is not None]
    neutral = NEUTRAL[question.objective]
    trace = {
        "type": "bar",
        "x": [f"#{place}" for place in range(1, len(rows) + 1)],
        "y": [one.value for one, _ in rows],
        "name": "in sample",
        "marker": {"color": "$blue/0.55"},
        "hovertemplate": "in sample %{y:.3f}<extra></extra>",
    }
    other = {
        "type": "bar",
        "x": trace["x"],
        "y": [un.value for _, un in rows],
        "name": "out of sample",
        "marker": {"color": ["$up" if (un.value or 0) > neutral else "$down" for _, un in rows]},
        "hovertemplate": "out of sample %{y:.3f}<extra></extra>",
    }
    layout = {
        "barmode": "group",
        "bargap": 0.3,
        "xaxis": {"type": "category"},
        "yaxis": {"side": "right"},
        "shapes": [_level(neutral)],
    }
    return Plot(
        "proof",
        "The best, seen and unseen",
        "Blue: in sample; green or red: on the span that no trial has seen.",
        [trace, other],
        layout,
    )


def _slice(question: Question, answer: Answer, name: str) -> Plot:
    complete = [one for one in answer.found.outcomes if one.ending is Ending.COMPLETE]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [one.parameters[name] for one in complete],
        "y": [one.value for one in complete],
        "marker": {
            "color": [one.index for one in complete],
            "colorscale": [[0, "$violet/0.35"], [1, "$blue"]],
            "size": 7,
        },
        "hovertemplate": f"{name} %{{x}}: %{{y:.3f}}<extra></extra>",
    }
    layout = {
        "hovermode": "closest",
        "xaxis": {},
        "yaxis": {"side": "right"},
        "shapes": [_level(NEUTRAL[question.objective])],
    }
    return Plot(f"slice-{name}", name, "Each dot a trial; later ones are brighter.", [trace], layout, "low")


def _pairs(names: list[str]) -> list[list[str]]:
    return [names[at : at + 2] for at in range(0, len(names), 2)]


def _table(it: Page, question: Question, answer: Answer) -> None:
    names = list(question.space.distributions)
    heads = ["#", "Trial", "In sample", "Trades", "P/L", "Out of sample", "Trades", "P/L", *names]
    rows = [_row(place, one, answer, names) for place, one in enumerate(answer.found.ranking[:ROWS])]
    it.table("The best trials", "Ranked in sample; the ten best were run out of sample once.", heads, rows)


def _row(place: int, one: Outcome, answer: Answer, names: list[str]) -> list[str]:
    unseen = answer.unseen[place] if place < len(answer.unseen) else None
    proven = ["", "", ""] if unseen is None else [number(unseen.value, ".3f"), str(unseen.trades), money(unseen.pnl)]
    values = [escape(f"{one.parameters[name]:g}") for name in names]
    return [str(place + 1), str(one.index), number(one.value, ".3f"), str(one.trades), money(one.pnl), *proven, *values]


def _parameters(question: Question, one: Outcome) -> str:
    return "<br>".join(f"{escape(name)} {one.parameters[name]:g}" for name in question.space.distributions)


def _rules(question: Question) -> list[str]:
    held = ", ".join(f"{name} {value:g}" for name, value in question.space.held.items())
    goal, rules = name_of(question.objective).lower(), question.rules
    drawn = "Trials come in rounds of eight: at first at random, then by the tree-structured Parzen estimator."
    given_up = " A trial is given up after a part of its span if it stands below the median there."
    terms = f"Plan {rules.plan}, entry at {rules.entry.value}, spread {rules.spread:g}, slippage {rules.slippage:g}"
    told = [
        f"Made as large as possible: {goal}, of trials with {question.fewest} trades or more.",
        drawn + given_up * question.prune,
        "A trade counts in the span that it closed in; out of sample begins without a position.",
        f"{terms}, {rules.lots} lots.",
    ]
    return [*told, f"Held: {held}."] if held else told
