"""Settings: every problem at once, by the name of its variable."""

import os
from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from chassis.errors import StartError
from chassis.settings import RoomSettings, find, load, variables


class OvenSettings(RoomSettings):
    """A room that does not exist."""

    heat_c: int = Field(180, ge=50, le=300, description="degrees Celsius")
    token: SecretStr = Field(..., description="from the baker")


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Sets variables, in a folder with no `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("SINYAL_"):
            monkeypatch.delenv(name)

    def give(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return give


def test_a_room_reads_its_own_variable_before_the_common_one(env) -> None:
    env(SINYAL_OVEN_TOKEN="t", SINYAL_NATS_URL="nats://common", SINYAL_OVEN_HEAT_C="200")
    assert load("oven", OvenSettings).nats_url == "nats://common"
    env(SINYAL_OVEN_NATS_URL="nats://own")
    assert load("oven", OvenSettings).nats_url == "nats://own"
    assert load("oven", OvenSettings).heat_c == 200


def test_an_empty_variable_is_no_value(env) -> None:
    env(SINYAL_OVEN_TOKEN="t", SINYAL_OVEN_HEAT_C="")
    assert load("oven", OvenSettings).heat_c == 180


def test_one_dotenv_serves_every_room(env, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SINYAL_OVEN_TOKEN=t\nSINYAL_LOG_LEVEL=DEBUG\nSINYAL_FEED_X=1\nOTHER=2\n")
    settings = load("oven", OvenSettings)
    assert (settings.token.get_secret_value(), settings.log_level) == ("t", "DEBUG")


def test_a_secret_may_come_from_a_file(env, tmp_path: Path) -> None:
    (tmp_path / "sinyal_oven_token").write_text("s3cret\n")
    env(SINYAL_SECRETS=str(tmp_path))
    assert load("oven", OvenSettings).token.get_secret_value() == "s3cret"


def test_every_problem_is_reported_at_once_and_no_secret_is_shown(env) -> None:
    env(SINYAL_OVEN_HEAT_C="9000", SINYAL_OVEN_HTTP_PORT="s3cret", SINYAL_OVEN_HEET_C="1", SINYAL_SECRETS="/nowhere")
    with pytest.raises(StartError) as failed:
        load("oven", OvenSettings)
    lines = str(failed.value).splitlines()
    assert any(line.startswith("SINYAL_OVEN_HEAT_C:") and "300" in line for line in lines)
    assert any(line.startswith("SINYAL_OVEN_TOKEN:") and "from the baker" in line for line in lines)
    assert "SINYAL_OVEN_HEET_C: no such setting, did you mean SINYAL_OVEN_HEAT_C?" in lines
    assert "SINYAL_SECRETS: /nowhere is not a folder" in lines
    assert "s3cret" not in str(failed.value)


def test_settings_are_frozen(env) -> None:
    env(SINYAL_OVEN_TOKEN="t")
    settings = load("oven", OvenSettings)
    with pytest.raises(ValueError, match="frozen"):
        settings.heat_c = 1  # type: ignore[misc]


def test_every_variable_is_described() -> None:
    assert all(variables("oven", OvenSettings).values())
    assert variables("oven", OvenSettings)["SINYAL_OVEN_HEAT_C"] == "degrees Celsius"


def test_a_slip_of_the_pen_is_found_in_a_dotenv_and_in_a_shared_name(env, tmp_path: Path) -> None:
    env(SINYAL_OVEN_TOKEN="t", SINYAL_NATS_ULR="nats://x", SINYAL_DATABASE_URL="postgresql://x", SINYAL_PHONE_PORT="1")
    (tmp_path / ".env").write_text("SINYAL_OVEN_HEAT_F=400\nSINYAL_FEED_STRANGE=1\n")
    with pytest.raises(StartError) as failed:
        load("oven", OvenSettings)
    assert str(failed.value).splitlines() == [
        "SINYAL_NATS_ULR: no such setting, did you mean SINYAL_NATS_URL?",
        "SINYAL_OVEN_HEAT_F: no such setting, did you mean SINYAL_OVEN_HEAT_C?",
    ]


def test_a_wrong_value_is_told_by_the_name_it_was_given_under(env) -> None:
    env(SINYAL_OVEN_TOKEN="t", SINYAL_LOG_LEVEL="LOUD")
    with pytest.raises(StartError, match=r"^SINYAL_LOG_LEVEL: "):
        load("oven", OvenSettings)
    env(SINYAL_OVEN_LOG_LEVEL="LOUD")
    with pytest.raises(StartError, match=r"^SINYAL_OVEN_LOG_LEVEL: "):
        load("oven", OvenSettings)


def test_the_command_line_finds_what_a_room_would(env, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SINYAL_NATS_URL=nats://dotenv\nSINYAL_EMPTY=\n")
    (tmp_path / "sinyal_nats_seed").write_text("s3cret\n")
    env(SINYAL_SECRETS=str(tmp_path))
    assert find("SINYAL_EMPTY", "SINYAL_NATS_URL") == "nats://dotenv"
    assert find("SINYAL_NATS_SEED") == "s3cret"
    env(SINYAL_NATS_URL="nats://environment")
    assert find("SINYAL_NATS_URL") == "nats://environment"
    assert find("SINYAL_NOWHERE") is None
