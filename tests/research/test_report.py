"""The report of a backtest, opened in a browser without a network."""

import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.messages import Interval, Side
from research.backtest import run_backtest
from research.market import Candles, Market
from research.report.backtest_page import report
from research.report.figures import MOST_CANDLES, MOST_POINTS, figures
from research.report.paper import Sheet, print_page
from research.report.words import rules_in_words, warnings
from research.statistics import Summary, summarise
from research.trades import BacktestResult
from services.positions.domain.plans import Plan, Targets
from tests.research.builders import NOON_S, Told, a_signal, candles_of, rules

RULES = (
    "40% at 1 R", "35% at 1.5 R", "+0.5 R the stop goes to the entry", "5 pips behind", "−0.5 R", "60 minutes",
    "gives up 1 pip more", "spread is 2 pips", "the stop comes first", "One trade at a time",
)  # fmt: skip
CHROMIUM = Path("/usr/bin/chromium")
in_browser = pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("CI") != "true", reason=f"{CHROMIUM} is missing"
)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


def walked(count: int = 900, **changes: object) -> tuple[BacktestResult, Summary, Market]:
    """A walk with a signal every twenty minutes, tested."""
    dice = np.random.default_rng(3)
    close = 4000 + np.cumsum(dice.normal(0, 0.8, count)).round(2)
    open_ = np.concatenate([[4000.0], close[:-1]])
    high, low = np.maximum(open_, close) + 0.4, np.minimum(open_, close) - 0.4
    times = NOON_S + 60 * np.arange(count, dtype=np.int64)
    candles = Candles(Interval.M1, times, open_, high, low, close, np.ones(count))
    said = {
        int(times[at]): a_signal(Side.BUY if at % 40 else Side.SELL, float(close[at])) for at in range(0, count, 20)
    }
    market = Market("XAUUSD", candles)
    result = run_backtest(Told(said), market, rules(spread=0.2, **changes))
    return result, summarise(result.trades, candle_ends_ms=candles.end_ms.tolist()), market


def test_the_page_is_one_file_that_loads_nothing() -> None:
    page = report(*walked(), source="walk.csv")

    own = re.sub(r"<script>/\*\*?\s*\n?\s*\* plotly\.js.*?</script>", "", page, flags=re.DOTALL)
    assert "default-src 'none'" in page
    assert not re.search(r"""<(script|link|img|iframe)[^>]+(src|href)=""", page)
    assert page.count("plotly.js v") >= 1
    assert len(own) < len(page)


def test_text_cannot_become_markup() -> None:
    result, summary, market = walked()
    evil = replace(result, strategy="<img src=x onerror=alert(1)>", parameters={"</script><b>": 1})

    page = report(evil, summary, market, "</title><script>alert(1)</script>")

    assert "<img src=x" not in page
    assert "<script>alert(1)" not in page
    assert "</script><b>" not in page


def test_data_cannot_end_its_script() -> None:
    page = print_page(Sheet(title="t", body="", data={"word": "</script><script>alert(1)"}, scripts=()))

    assert "</script><script>alert(1)" not in page


def test_a_long_test_keeps_the_page_small() -> None:
    count = 3 * MOST_CANDLES
    times = NOON_S - NOON_S % 3600 + 60 * np.arange(count, dtype=np.int64)
    flat = np.full(count, 4000.0)
    market = Market("XAUUSD", Candles(Interval.M1, times, flat, flat, flat, flat, flat))
    result, summary, _ = walked()

    packed = figures(result, summary, market)["candles"]

    assert packed["length_s"] == 300
    assert len(packed["close"]) == count // 5


def test_packed_candles_hold_every_price() -> None:
    result, summary, market = walked()

    packed = figures(result, summary, market)["candles"]

    close = np.cumsum(packed["close"]) / packed["scale"]
    assert np.allclose(close, market.candles.close, atol=1e-9)
    assert np.allclose(close + np.array(packed["high"]) / packed["scale"], market.candles.high, atol=1e-9)
    assert np.allclose(close - np.array(packed["low"]) / packed["scale"], market.candles.low, atol=1e-9)
    times = packed["begin_s"] + np.cumsum(packed["steps"]) * packed["length_s"]
    assert np.array_equal(times, market.candles.open_time_s)


def test_a_thinned_line_keeps_its_highest_and_lowest_points() -> None:
    result, summary, market = walked()
    many = replace(result, trades=result.trades * (3 * MOST_POINTS // len(result.trades)))

    line = figures(many, summary, market)["equity"]

    full = np.concatenate([[0.0], np.cumsum([float(trade.pnl) for trade in many.trades])]).round(2)
    assert len(line["equity"]) <= MOST_POINTS + 2
    assert (min(line["equity"]), max(line["equity"])) == (full.min(), full.max())
    assert line["equity"][-1] == full[-1]


def test_every_rule_that_was_used_is_told() -> None:
    plan = Plan(targets=Targets.THREE, tightening=True, time_limit_s=3600)

    told = " ".join(rules_in_words(walked(plan=plan, slippage=0.1)[0]))

    for words in RULES:
        assert words in told


def test_a_reader_is_warned_of_few_trades_and_of_candles() -> None:
    found = " ".join(warnings(walked(count=120)[0]))

    assert "prove nothing" in found
    assert "inside a candle" in found


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report(*walked(), source="walk.csv"), encoding="utf-8")
    return path


@pytest.fixture
async def browser() -> AsyncIterator[object]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest.mark.browser
@pytest.mark.real
@in_browser
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_the_page_opens_and_shows_its_trades(browser, page_file: Path, size: dict[str, int]) -> None:
    page = await browser.new_page(viewport=size)
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))

    await page.goto(page_file.as_uri())
    await page.wait_for_selector("html[data-ready=yes]", timeout=30_000)

    assert (asked, wrong) == ([page_file.as_uri()], [])
    for plot in ("equity", "candles", "hours", "weekdays", "results"):
        assert await page.locator(f"#{plot} .main-svg").count() > 0, plot
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    rows = await page.locator("#trades tbody tr").count()
    await page.click("#next")
    assert f"Trade 1 of {rows}" in await page.inner_text("#view")
    assert await page.locator("#candles .shapelayer path").count() >= 2  # the zones of risk and reward
    await page.locator("#trades tbody tr").nth(2).click()
    assert f"Trade 3 of {rows}" in await page.inner_text("#view")
    await page.click("#all")
    assert "trades in view" in await page.inner_text("#view")


@pytest.mark.browser
@pytest.mark.real
@in_browser
async def test_a_test_without_a_trade_has_a_page_too(browser, tmp_path: Path) -> None:
    market = Market("XAUUSD", candles_of(*[(4000.0, 4001.0, 3999.0, 4000.5)] * 30))
    result = run_backtest(Told({}), market, rules())
    path = tmp_path / "empty.html"
    summary = summarise((), candle_ends_ms=market.candles.end_ms.tolist())
    path.write_text(report(result, summary, market, "flat.csv"), encoding="utf-8")
    page = await browser.new_page(viewport=PHONE)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))

    await page.goto(path.as_uri())
    await page.wait_for_selector("html[data-ready=yes]", timeout=30_000)

    assert wrong == []
    assert "No trade" in await page.inner_text("body")
