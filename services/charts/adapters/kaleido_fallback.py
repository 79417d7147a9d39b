"""The plain way: kaleido's own page and its own export, in a browser of its own that lives for one picture.

Slower by a factor, but it shares nothing with the kept page but the figure: the way out when that page fails, and
the oracle that the tests hold it to.
"""

import asyncio

import kaleido
from kaleido.errors import JavascriptError, KaleidoError

from services.charts.adapters.choreographer_browser import Launch, PageError, SupervisedBrowser
from services.charts.adapters.plotly_page import plotly_file
from services.charts.adapters.plotly_paper import Json
from services.charts.domain import canvas

_SIZE = {"format": "png", "width": canvas.WIDTH_PX, "height": canvas.HEIGHT_PX, "scale": 1}


async def draw_plainly(launch: Launch, figure: Json, *, limit_s: float) -> bytes:
    """Open kaleido, draw one figure, close it.

    Raises:
        BrowserGoneError, PageError: no picture.
        TimeoutError: it took longer than `limit_s`.
    """
    browser = SupervisedBrowser(launch, Kaleido)
    try:
        async with asyncio.timeout(limit_s):
            await browser.open()
            png: bytes = await browser.call("calc_fig", figure, opts=_SIZE)
            return png
    except (KaleidoError, JavascriptError) as e:
        raise PageError(str(e)) from e
    finally:
        await browser.close()


class Kaleido(kaleido.Kaleido):  # type: ignore[misc]  # the library has no types
    """Kaleido with its page in our folder and nothing from a CDN."""

    def __init__(self, **kwargs: object) -> None:
        page = kwargs["folder"].path / "kaleido.html"  # type: ignore[attr-defined]
        page.write_text(kaleido.PageGenerator(plotly=plotly_file(), mathjax=False).generate_index(), encoding="utf-8")
        super().__init__(n=1, timeout=None, page_generator=page, **kwargs)
