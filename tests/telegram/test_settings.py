"""What can be set, and what a wrong setting says."""

import pytest

from chassis.errors import StartError
from chassis.settings import load
from services.telegram.settings import TelegramSettings

TOKEN = "1000000001:SANDBOX-sandbox-SANDBOX-sandbox-001"


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINYAL_TELEGRAM_TOKEN", TOKEN)
    return monkeypatch


def test_a_token_is_enough(environment):
    settings = load("telegram", TelegramSettings)

    assert settings.token.get_secret_value() == TOKEN
    assert settings.limits.per_second == 28.0
    assert settings.operator_ids == ()


def test_the_token_is_never_shown(environment):
    settings = load("telegram", TelegramSettings)
    assert TOKEN not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_a_token_of_the_wrong_form_is_named_and_not_repeated(environment):
    environment.setenv("SINYAL_TELEGRAM_TOKEN", "12345:secretsecret")
    with pytest.raises(StartError, match="SINYAL_TELEGRAM_TOKEN") as refused:
        load("telegram", TelegramSettings)
    assert "secretsecret" not in str(refused.value)


def test_a_missing_token_is_named(environment):
    environment.delenv("SINYAL_TELEGRAM_TOKEN")
    with pytest.raises(StartError, match="SINYAL_TELEGRAM_TOKEN"):
        load("telegram", TelegramSettings)


def test_operators_are_a_list(environment):
    environment.setenv("SINYAL_TELEGRAM_OPERATORS", " 1, 22 ,333")
    assert load("telegram", TelegramSettings).operator_ids == (1, 22, 333)


def test_operators_that_are_no_ids_are_refused(environment):
    environment.setenv("SINYAL_TELEGRAM_OPERATORS", "budi")
    with pytest.raises(StartError, match="SINYAL_TELEGRAM_OPERATORS"):
        load("telegram", TelegramSettings)


def test_a_timeout_that_makes_doubles_is_refused(environment):
    environment.setenv("SINYAL_TELEGRAM_CALL_TIMEOUT_S", "5")
    with pytest.raises(StartError, match="SINYAL_TELEGRAM_CALL_TIMEOUT_S"):
        load("telegram", TelegramSettings)


def test_a_paid_pace_takes_the_place_of_the_free_one(environment):
    environment.setenv("SINYAL_TELEGRAM_PAID_PER_SECOND", "100")
    limits = load("telegram", TelegramSettings).limits
    assert (limits.per_second, limits.is_paid) == (100.0, True)
