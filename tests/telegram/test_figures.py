"""Statistics as a person reads them."""

import re
from decimal import Decimal

import pytest

from contracts.asks import SystemStatistics
from contracts.messages import SendClass, SummaryNotice
from services.telegram.domain import figures
from services.telegram.domain.rendering import CAPTION_LIMIT, TEXT_LIMIT, visible_length
from services.telegram.handlers.letters import render
from tests.telegram.builders import ENGLISH, INDONESIAN, WORDS, no_trades, send, statistics, tally


def words(shown):
    """What is read; where a line may not be broken does not matter here."""
    return re.sub(r"<[^>]*>", "", shown.html).replace("\N{NO-BREAK SPACE}", " ")


def test_performance_in_english():
    assert words(figures.performance(statistics(), ENGLISH)) == (
        "📊 Your performance · last 30 days\n"
        "P/L +1,034.20 USD · +5.10R\n"
        "Trades 12 · won 7 · lost 4\n"
        "Win rate 63.6 %\n"
        "Profit factor 16.72\n"
        "\n"
        "Per trade +86.18 USD · +0.42R\n"
        "Largest drawdown 31.50 USD · 1.50R\n"
        "R:R planned 1.55 · realised 1.31\n"
        "Best +400.00 USD\n"
        "Worst −20.00 USD\n"
        "\n"
        "Longest streaks: 4 won, 2 lost\n"
        "Held 12 min 5 s on average\n"
        "Half of them under 10 min 0 s\n"
        "Best hour 20:00–21:00\n"
        "Worst hour 23:00–00:00\n"
        "\n"
        "Auto · trades 10 · 70.0 %\n"
        "+30.00 USD · +4.50R\n"
        "Manual · trades 2 · 0.0 %\n"
        "−2.00 USD · −1.00R"
    )


def test_performance_in_indonesian():
    text = words(figures.performance(statistics(days=None), INDONESIAN))

    assert "Performa Anda · semua waktu" in text
    assert "\nProfit factor 16,72\n" in text
    assert "\nPer transaksi +86,18 USD · +0,42R\n" in text


@pytest.mark.parametrize("speaker", [INDONESIAN, ENGLISH])
def test_no_line_is_broken_on_a_phone(speaker):
    """About 38 letters stand on a line there."""
    big = {"pnl": Decimal("-10034.20"), "best": Decimal("1400.00"), "max_drawdown": Decimal("931.50")}

    for shown in (figures.performance(statistics(**big), speaker), figures.summary(summary(), speaker, "Asia/Jakarta")):
        assert max(len(line) for line in words(shown).splitlines()) <= 38


def test_an_amount_is_not_parted_from_its_unit():
    html = figures.performance(statistics(), ENGLISH).html

    assert "+1,034.20\N{NO-BREAK SPACE}USD" in html
    assert not re.search(r"\d (USD|%)", html)


@pytest.mark.parametrize("speaker", [INDONESIAN, ENGLISH])
def test_what_is_undefined_is_shown_as_a_dash_and_never_as_a_number(speaker):
    text = words(figures.performance(statistics(profit_factor=None, realised_rr=None, win_rate=None), speaker))

    assert "Profit factor –" in text
    assert "None" not in text


def test_what_one_trade_cannot_show_is_left_out():
    one = statistics(trades=1, best=None, worst=None, hold_s_mean=None, hold_s_median=None, by_hour=(tally("20"),))

    text = words(figures.performance(one, ENGLISH))

    assert "Held" not in text
    assert "Best hour" not in text
    assert "Best –\nWorst –" in text


@pytest.mark.parametrize("speaker", [INDONESIAN, ENGLISH])
def test_without_a_trade_no_figure_is_shown(speaker):
    text = words(figures.performance(no_trades(), speaker))

    assert not re.search(r"P/L|USD|R:R", text)


def test_a_name_from_elsewhere_is_no_markup():
    found = statistics(by_strategy=(tally("<b>x"), tally("other")))

    assert "<b>&lt;b&gt;x</b> · trades 10" in figures.analytics(found, ENGLISH).html


def test_hundreds_of_strategies_fit_into_one_message():
    many = tuple(tally(f"strategy_with_a_long_name_{n}" * 8, trades=n) for n in range(300))

    shown = figures.analytics(statistics(by_strategy=many, by_symbol=many), ENGLISH)

    assert visible_length(shown.html) <= TEXT_LIMIT
    assert "Every automatic signal counts once" in shown.html


def test_under_a_picture_the_least_traded_are_left_out_and_what_matters_stays():
    many = tuple(tally(f"strategy_{n}", trades=n) for n in range(1, 13))
    found = statistics(by_strategy=many, by_symbol=many, chart_key="k")

    shown = figures.analytics(found, ENGLISH)

    assert visible_length(shown.html) <= CAPTION_LIMIT
    text = words(shown)
    assert "Worst hour" in text
    assert "Manual · trades 2" in text
    assert "strategy_12" in text
    assert "strategy_1 " not in text
    assert text.endswith("one that never arrived does not count.")


@pytest.mark.parametrize(
    ("shown", "promises"),
    [
        (figures.performance(no_trades(), ENGLISH), True),
        (figures.analytics(no_trades(), ENGLISH), True),
        (figures.system(SystemStatistics(subscribers=1, live_positions=0, statistics=no_trades()), ENGLISH), False),
    ],
)
def test_without_a_trade_it_is_said_when_the_picture_comes(shown, promises):
    assert ("The curve is drawn from the first closed trade on." in words(shown)) is promises


def test_an_operator_reads_how_many_people_there_are():
    found = SystemStatistics(subscribers=1200, live_positions=310, statistics=no_trades())

    text = words(figures.system(found, ENGLISH))

    assert "Active subscribers 1,200\nLive positions 310" in text
    assert "No trade was closed" in text


def summary(**more):
    """A day in Jakarta."""
    values = {
        "day": "2026-01-05", "since_ms": 1_767_545_700_000, "until_ms": 1_767_632_100_000, "trades": 3, "wins": 2,
        "losses": 1, "pnl": Decimal("4.00"), "r": 2.0, "best": Decimal("3.00"), "worst": Decimal("-2.00"),
    }  # fmt: skip
    return SummaryNotice(**{**values, **more})


def test_the_summary_of_a_day():
    assert words(figures.summary(summary(), ENGLISH, "Asia/Jakarta")) == (
        "📅 Summary of 5 Jan 2026\nP/L +4.00 USD · +2.00R\nTrades 3 · won 2 · lost 1\nWin rate 66.7 %\n"
        "Best +3.00 USD\nWorst −2.00 USD"
    )
    assert "Ringkasan 5 Jan 2026" in words(figures.summary(summary(trades=1), INDONESIAN, "Asia/Jakarta"))


def test_a_summary_of_more_than_a_day_says_since_when():
    text = words(figures.summary(summary(since_ms=1_767_286_500_000), ENGLISH, "Asia/Jakarta"))

    assert text.endswith("Everything since 1 Jan 2026 23:55 WIB is included.")


def test_a_summary_is_sent_as_it_is_rendered():
    message = send(content=summary(), language="en", kind=SendClass.BROADCAST)

    assert render(message, WORDS).html == figures.summary(message.content, ENGLISH, message.time_zone).html
