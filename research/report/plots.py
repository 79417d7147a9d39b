"""What pages of searches and tests are made of: plots as data, tables, figures. Colours are names of the paper's own.

A colour is written `$up`, or `$up/0.2` where it is faded; the page's script looks it up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

from research.report.paper import Sheet, print_page

NONE = "–"
Cell = str
"""HTML: whoever makes a cell of foreign text escapes it."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A section with a picture. `size` is tall, middle or low."""

    id: str
    title: str
    note: str
    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    size: str = "middle"


@dataclass(slots=True)
class Page:
    """A page that is being put together."""

    title: str
    parts: list[str] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)

    def head(self, name: str, version: str, under: Iterable[str], verdict: tuple[str, str, str]) -> None:
        """Begin with the name, what it is about, and the verdict: (up, down or flat; large words; small words)."""
        colour, large, small = verdict
        lines = "<br>".join(escape(line) for line in under)
        self.parts.append(
            f"<header><div><h1>{escape(name)} <small>{escape(version)}</small></h1>"
            f'<p class="under">{lines}</p></div>'
            f'<div class="verdict {colour}">{escape(large)}<small>{escape(small)}</small></div></header>'
        )

    def warn(self, warnings: Iterable[str]) -> None:
        """Say what a reader must know before believing a number."""
        self.parts += [f'<p class="warning">{escape(text)}</p>' for text in warnings]

    def figures(self, cells: Iterable[tuple[str, str, str]]) -> None:
        """Show numbers: (name, value, small words below)."""
        inside = "".join(
            f'<div class="figure"><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(under)}</small></dd></div>'
            for name, value, under in cells
        )
        self.parts.append(f'<dl class="figures">{inside}</dl>')

    def draw(self, *plots: Plot) -> None:
        """Show a picture, or two beside each other."""
        sections = "".join(
            f'<section><h2>{escape(plot.title)}</h2><p class="note">{escape(plot.note)}</p>'
            f'<div id="{plot.id}" class="plot {plot.size}"></div></section>'
            for plot in plots
        )
        self.parts.append(f'<div class="pair">{sections}</div>' if len(plots) > 1 else sections)
        self.plots += plots

    def table(self, title: str, note: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Show a table; the first column stands left."""
        head = "".join(f"<th>{escape(name)}</th>" for name in heads)
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        self.parts.append(
            f'<section><h2>{escape(title)}</h2><p class="note">{escape(note)}</p><div class="scroll"><table><thead>'
            f"<tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>"
        )

    def terms(self, title: str, rows: Iterable[tuple[str, str]]) -> None:
        """Show names and what they stand for."""
        inside = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
        self.parts.append(f'<section><h2>{escape(title)}</h2><dl class="terms">{inside}</dl></section>')

    def rules(self, title: str, sentences: Iterable[str]) -> None:
        """Show a list of sentences."""
        inside = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
        self.parts.append(f'<section><h2>{escape(title)}</h2><ul class="rules">{inside}</ul></section>')

    def html(self, footer: str) -> str:
        """Return the page."""
        plots = [{"id": plot.id, "traces": plot.traces, "layout": plot.layout} for plot in self.plots]
        body = "".join(self.parts) + f"<footer>{escape(footer)}</footer>"
        return print_page(Sheet(title=self.title, body=body, data={"plots": plots}, scripts=("plots.js",)))


def money(value: float) -> Cell:
    """Write an amount in its colour."""
    colour = "up" if value > 0 else "down" if value < 0 else ""
    return f'<span class="{colour}">{signed(value)}</span>'


def signed(value: float) -> str:
    """Write an amount with its sign."""
    return f"{value:+,.2f}".replace("-", "−")


def number(value: float | None, form: str = ".2f") -> str:
    """Write a number; a dash where there is none."""
    return NONE if value is None else f"{value:{form}}".replace("-", "−")


def day(moment_ms: int) -> str:
    """Write a date."""
    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%-d %b %Y}"


def minute(moment_ms: int) -> str:
    """Write a moment to the minute."""
    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%Y-%m-%d %H:%M}"
