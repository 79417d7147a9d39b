"""Our own page: plotly.js from the plotly package, one stage, one function. It may load nothing from outside."""

from pathlib import Path

import plotly

_PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; script-src file:; style-src 'unsafe-inline'; img-src data:">
<style>html, body {{ margin: 0; overflow: hidden; background: {background} }}</style>
<script src="{plotly}"></script><script src="{script}"></script>
</head><body><div id="stage"></div></body></html>
"""

_SCRIPT = """"use strict";
const config = { staticPlot: true, displayModeBar: false };
async function draw(text) {
  const figure = JSON.parse(text);
  await Plotly.react("stage", figure.data, figure.layout, config);
}
"""


def plotly_file() -> Path:
    """Find the plotly.js that came with the plotly package."""
    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def write_page(folder: Path, background: str) -> str:
    """Write the page into the folder and return its URL. After it has loaded, `draw(text)` draws a figure."""
    script, page = folder / "draw.js", folder / "page.html"
    script.write_text(_SCRIPT)
    page.write_text(
        _PAGE.format(background=background, plotly=plotly_file().as_uri(), script=script.as_uri()), encoding="utf-8"
    )
    return page.as_uri()
