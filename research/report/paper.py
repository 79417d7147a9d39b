"""The paper that research pages are printed on: one file with its style, its script, its data and plotly.js in it.

Nothing is loaded from outside, and the page says so to the browser. Text is escaped by whoever puts it in; data is
JSON that cannot end its script.
"""

import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is printed: `body` is HTML, `data` is what the script reads, `scripts` are files of this package."""

    title: str
    body: str
    data: dict[str, Any]
    scripts: tuple[str, ...]


def print_page(sheet: Sheet) -> str:
    """Put a page together."""
    scripts = "".join(f"<script>{_file(name)}</script>" for name in ("paper.js", *sheet.scripts))
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(sheet.title)}</title><style>{_file('paper.css')}</style></head>"
        f"<body>{sheet.body}"
        f'<script type="application/json" id="data">{_harmless(sheet.data)}</script>'
        f"<script>{_plotly()}</script>{scripts}</body></html>\n"
    )


def _harmless(data: dict[str, Any]) -> str:
    """Write JSON in which no text can end the script around it."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
