"""Settings of the room come from the environment, and wrong ones are named."""

import pytest

from chassis.errors import StartError
from chassis.settings import load
from services.signals.settings import SignalsSettings


def test_lists_and_parameters_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINYAL_SIGNALS_SYMBOLS", "XAUUSD, EURUSD")
    monkeypatch.setenv("SINYAL_SIGNALS_PARAMETERS", '{"trend_pullback": {"score_needed": 6, "rr_base": 1.5}}')

    settings = load("signals", SignalsSettings)

    assert settings.symbols == ("XAUUSD", "EURUSD")
    assert settings.strategies == ("trend_pullback", "*")
    assert settings.parameters == {"trend_pullback": {"score_needed": 6, "rr_base": 1.5}}
    assert isinstance(settings.parameters["trend_pullback"]["score_needed"], int)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARAMETERS", "{not json"),
        ("PARAMETERS", '{"trend_pullback": {"score_needed": "many"}}'),
        ("STRATEGIES", " , "),
        ("CANDLES_HELD", "99"),
        ("FRESH_S", "0"),
        ("PRICE_DIGITS", "two"),
    ],
)
def test_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SINYAL_SIGNALS_{name}", value)

    with pytest.raises(StartError, match=f"SINYAL_SIGNALS_{name}"):
        load("signals", SignalsSettings)
