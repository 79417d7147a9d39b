"""The page of what chance could have made of a backtest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.montecarlo import PERCENTILES, Chance, Cloud, Observed
from research.report.plots import Page, Plot, number, signed

WORDS = {
    Chance.SHUFFLED: ("shuffled", "The same trades in another order: the end is the same, the way there is not."),
    Chance.DRAWN: ("drawn", "Trades drawn with replacement from those there were, as another stretch might bring."),
    Chance.NOISE: ("noise", "The strategy run again on prices that differ by a fraction of a candle."),
}
BINS = 40


def page(named: Mapping[str, str], seen: Observed, clouds: Sequence[Cloud], source: str) -> str:
    """Return the page as HTML. `named` holds strategy, version, symbol, interval, noise and seed."""
    it = Page(f"Monte Carlo: {named['strategy']}")
    drawn = next(cloud for cloud in clouds if cloud.chance is Chance.DRAWN)
    loss = drawn.chance_of_loss
    colour = "up" if loss < 0.05 else "down" if loss > 0.5 else "flat"
    under = [
        f"{named['symbol']} {named['interval']} of {Path(source).name}",
        f"{len(seen.equity) - 1} trades, seed {named['seed']}",
    ]
    it.head(named["strategy"], named["version"], under, (colour, f"{loss:.0%}", "chance of a loss, trades drawn again"))
    it.warn(_warnings(seen, clouds))
    it.figures(_figures(seen, clouds))
    for cloud in clouds:
        if cloud.bands is not None:
            it.draw(_fan(seen, cloud))
    it.draw(*(_histogram(cloud, "drawdown", seen.drawdown) for cloud in clouds if cloud.bands is not None))
    it.draw(*(_histogram(cloud, "final", seen.final) for cloud in clouds if cloud.chance is not Chance.SHUFFLED))
    _table(it, clouds)
    it.rules("What was left to chance", _rules(clouds, named))
    return it.html(f"sinyal montecarlo, {Path(source).name}")


def _warnings(seen: Observed, clouds: Sequence[Cloud]) -> list[str]:
    found = []
    if len(seen.equity) <= 30:
        found.append(f"Only {len(seen.equity) - 1} trades: what is drawn from so few says little.")
    for cloud in clouds:
        if cloud.chance is Chance.NOISE and seen.final > 0 and cloud.chance_of_loss > 0.25:
            found.append(
                f"On noisy prices {cloud.chance_of_loss:.0%} of the runs lose: the result hangs on exact prices."
            )
        if cloud.chance is Chance.SHUFFLED and seen.drawdown < cloud.percentiles(cloud.drawdown)[0]:
            found.append("The drawdown was lucky: of the same trades in another order, 95 % fall deeper.")
    return found


def _figures(seen: Observed, clouds: Sequence[Cloud]) -> list[tuple[str, str, str]]:
    by = {cloud.chance: cloud for cloud in clouds}
    drawn, shuffled, noise = by[Chance.DRAWN], by[Chance.SHUFFLED], by.get(Chance.NOISE)
    low, _, middle, _, high = drawn.percentiles(drawn.final)
    deep = shuffled.percentiles(shuffled.drawdown)
    cells = [
        ("P/L observed", signed(seen.final), f"{len(seen.equity) - 1} trades"),
        ("P/L drawn", signed(middle), f"{signed(low)} to {signed(high)}, 90 %"),
        ("Chance of a loss", f"{drawn.chance_of_loss:.1%}", "trades drawn again"),
        ("Drawdown observed", number(seen.drawdown), "of closed trades"),
        ("Drawdown shuffled", number(deep[2]), f"95 % stay below {number(deep[4])}"),
    ]
    if noise is not None:
        finals = noise.percentiles(noise.final)
        cells.append(("P/L on noise", signed(finals[2]), f"{signed(finals[0])} to {signed(finals[4])}"))
    return cells


def _fan(seen: Observed, cloud: Cloud) -> Plot:
    assert cloud.bands is not None
    xs, rows = list(cloud.bands.trades), cloud.bands.equity.round(2)
    name, words = WORDS[cloud.chance]
    traces: list[dict[str, Any]] = [
        *_band(xs, rows[0], rows[4], "$blue/0.13", "5 to 95 %"),
        *_band(xs, rows[1], rows[3], "$blue/0.22", "25 to 75 %"),
        _line(xs, rows[2].tolist(), "$blue", "middle", 1.5),
        _line(list(range(len(seen.equity))), list(seen.equity), "$ink", "observed", 2),
    ]
    layout = {
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.08},
        "xaxis": {"title": {"text": "trades"}},
        "yaxis": {"side": "right"},
        "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"color": "$rule"}}],
    }
    return Plot(f"fan-{cloud.chance.value}", f"Equity, {name}", words, traces, layout)


def _band(xs: list[int], low: Any, high: Any, colour: str, name: str) -> list[dict[str, Any]]:
    edge = {"type": "scatter", "mode": "lines", "x": xs, "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        edge | {"y": low.tolist(), "showlegend": False},
        edge | {"y": high.tolist(), "fill": "tonexty", "fillcolor": colour, "name": name},
    ]


def _line(xs: list[int], ys: list[float], colour: str, name: str, width: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "name": name,
        "line": {"color": colour, "width": width},
        "hovertemplate": f"{name} %{{y:+.2f}}<extra></extra>",
    }


def _histogram(cloud: Cloud, what: str, mark: float) -> Plot:
    values = cloud.drawdown if what == "drawdown" else cloud.final
    counts, edges = np.histogram(values, bins=BINS if len(values) > BINS else 12)
    middles = ((edges[:-1] + edges[1:]) / 2).round(2).tolist()
    colours = "$violet" if what == "drawdown" else ["$up" if value > 0 else "$down" for value in middles]
    trace = {
        "type": "bar",
        "x": middles,
        "y": counts.tolist(),
        "marker": {"color": colours},
        "hovertemplate": "%{x:.2f}: %{y} runs<extra></extra>",
    }
    line = {
        "type": "line",
        "x0": mark,
        "x1": mark,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": "$ink", "width": 2},
    }
    layout = {
        "hovermode": "closest",
        "bargap": 0.06,
        "xaxis": {"nticks": 8},
        "yaxis": {"side": "right", "nticks": 5},
        "shapes": [line],
    }
    name = WORDS[cloud.chance][0]
    title = f"Drawdown, {name}" if what == "drawdown" else f"P/L at the end, {name}"
    return Plot(
        f"{what}-{cloud.chance.value}",
        title,
        f"{len(values):,} runs; the white line is what was observed.",
        [trace],
        layout,
        "low",
    )


def _table(it: Page, clouds: Sequence[Cloud]) -> None:
    rows = []
    for cloud in clouds:
        name = WORDS[cloud.chance][0]
        loses = "" if cloud.chance is Chance.SHUFFLED else f"{cloud.chance_of_loss:.1%}"
        rows.append([f"P/L, {name}", *(signed(one) for one in cloud.percentiles(cloud.final)), loses])
        rows.append([f"Drawdown, {name}", *(number(one) for one in cloud.percentiles(cloud.drawdown)), ""])
    it.table("Percentiles", "USD on fixed lots.", ["", *(f"{one} %" for one in PERCENTILES), "Loses"], rows)


def _rules(clouds: Sequence[Cloud], named: Mapping[str, str]) -> list[str]:
    told = [f"{WORDS[cloud.chance][1]} {len(cloud.final):,} runs." for cloud in clouds]
    if any(cloud.chance is Chance.NOISE for cloud in clouds):
        told.append(
            f"Noise has a spread of {named['noise']} of a candle's mean range, is drawn at the ends of candles and runs"
            " straight between them; quotes keep their spread."
        )
    return [*told, "The same seed gives the same numbers, with any number of workers."]
