"""A wrong setting stops the room with a line that names it."""

import os
from collections.abc import Callable

import pytest

from chassis.errors import StartError
from chassis.settings import load
from services.charts.adapters.chromium_process import find_browser
from services.charts.domain.instrument import Instrument
from services.charts.settings import ChartsSettings
from services.charts.wiring import launch, limits, style


@pytest.fixture
def settings(monkeypatch) -> Callable[..., ChartsSettings]:
    """Load the settings from an environment that says only what is named."""

    def told(**environment: str) -> ChartsSettings:
        for name in [name for name in os.environ if name.startswith("SINYAL_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(f"SINYAL_CHARTS_{name}", value)
        return load("charts", ChartsSettings)

    return told


def test_defaults_are_enough(settings):
    told = settings()

    assert launch(told).browser == find_browser()
    assert launch(told).is_sandboxed is (os.geteuid() != 0)
    assert limits(told).tabs == 2
    assert style(told).candles == 120


def test_the_sandbox_can_be_decided(settings):
    assert launch(settings(BROWSER_SANDBOX="on")).is_sandboxed is True
    assert launch(settings(BROWSER_SANDBOX="off")).is_sandboxed is False


def test_instruments_are_told_as_json_and_foreign_fields_are_left_alone(settings):
    told = settings(INSTRUMENTS='{"EURUSD": {"digits": 5, "pip": 0.0001, "max_spread_pips": 3, "hours": "metals"}}')

    assert style(told).instruments == {"EURUSD": Instrument(5, 0.0001)}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("INSTRUMENTS", "EURUSD", "not JSON"),
        ("TEMP_FOLDER", "/no/such/folder", "is no folder"),
        ("CANDLES", "5000", "500"),
        ("BROWSER_SANDBOX", "maybe", "'auto', 'on' or 'off'"),
        ("TABZ", "2", "did you mean SINYAL_CHARTS_TABS"),
    ],
)
def test_a_wrong_value_is_named(settings, name, value, words):
    with pytest.raises(StartError, match=f"SINYAL_CHARTS_{name}: .*{words}"):
        settings(**{name: value})


def test_a_missing_browser_and_a_deep_folder_are_named(settings, root):
    with pytest.raises(StartError, match="SINYAL_CHARTS_BROWSER: no-such-browser is no program"):
        launch(settings(BROWSER="no-such-browser"))
    deep = root / ("x" * 60)
    deep.mkdir()
    with pytest.raises(StartError, match=r"SINYAL_CHARTS_TEMP_FOLDER: .* characters"):
        launch(settings(TEMP_FOLDER=str(deep)))
