"""Statistics as a person reads them."""

import re

import pytest

from contracts.asks import SystemStatistics
from services.telegram.domain import figures
from services.telegram.domain.rendering import TEXT_LIMIT, visible_length
from tests.telegram.builders import ENGLISH, INDONESIAN, no_trades, statistics, tally


def words(shown):
    return re.sub(r"<[^>]*>", "", shown.html)


def test_performance_in_english():
    assert words(figures.performance(statistics(), ENGLISH)) == (
        "📊 Your performance · last 30 days\n"
        "Trades 12 · won 7 · lost 4 · win rate 63.6 %\n"
        "P/L +1,034.20 USD · +5.10R\n"
        "\n"
        "Profit factor 16.72 · expectancy per trade +86.18 USD (+0.42R)\n"
        "Largest drawdown 31.50 USD (1.50R)\n"
        "R:R planned 1.55 · realised 1.31\n"
        "Best +400.00 USD · worst −20.00 USD\n"
        "\n"
        "Longest streaks: 4 won, 2 lost\n"
        "Held 12 min 5 s on average · median 10 min 0 s\n"
        "Best hour 20:00–21:00 · worst 23:00–00:00\n"
        "\n"
        "Auto: 10 · 70.0 % · +30.00 USD · +4.50R\n"
        "Manual: 2 · 0.0 % · −2.00 USD · −1.00R"
    )


def test_performance_in_indonesian():
    text = words(figures.performance(statistics(days=None), INDONESIAN))

    assert "Performa Anda · semua waktu" in text
    assert "Profit factor 16,72 · harapan per transaksi +86,18 USD (+0,42R)" in text


@pytest.mark.parametrize("speaker", [INDONESIAN, ENGLISH])
def test_what_is_undefined_is_shown_as_a_dash_and_never_as_a_number(speaker):
    text = words(figures.performance(statistics(profit_factor=None, realised_rr=None, win_rate=None), speaker))

    assert re.search(r"Profit factor – ", text)
    assert "None" not in text


@pytest.mark.parametrize("speaker", [INDONESIAN, ENGLISH])
def test_without_a_trade_no_figure_is_shown(speaker):
    text = words(figures.performance(no_trades(), speaker))

    assert not re.search(r"P/L|USD|R:R", text)


def test_a_name_from_elsewhere_is_no_markup():
    found = statistics(by_strategy=(tally("<b>x"), tally("other")))

    assert "&lt;b&gt;x: 10" in figures.analytics(found, ENGLISH).html


def test_hundreds_of_strategies_fit_into_one_message():
    many = tuple(tally(f"strategy_with_a_long_name_{n}" * 8, trades=n) for n in range(300))

    shown = figures.analytics(statistics(by_strategy=many, by_symbol=many), ENGLISH)

    assert visible_length(shown.html) <= TEXT_LIMIT
    assert "Every automatic signal counts once" in shown.html


def test_an_operator_reads_how_many_people_there_are():
    found = SystemStatistics(subscribers=1200, live_positions=310, statistics=no_trades())

    text = words(figures.system(found, ENGLISH))

    assert "Active subscribers 1200 · live positions 310" in text
    assert "No trade was closed" in text
