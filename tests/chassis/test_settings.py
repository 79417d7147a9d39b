"""Settings: every problem at once, by the name of its variable."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from chassis.errors import StartError
from chassis.settings import RoomSettings, load, variables


class OvenSettings(RoomSettings):
    """A room that does not exist."""

    heat_c: int = Field(180, ge=50, le=300, description="degrees Celsius")
    token: SecretStr = Field(..., description="from the baker")


def test_a_room_reads_its_own_variable_before_the_common_one() -> None:
    env = {"SINYAL_OVEN_TOKEN": "t", "SINYAL_NATS_URL": "nats://common", "SINYAL_OVEN_HEAT_C": "200"}
    settings = load("oven", OvenSettings, {**env, "SINYAL_OVEN_NATS_URL": "nats://own"})
    assert (settings.heat_c, settings.nats_url) == (200, "nats://own")
    assert load("oven", OvenSettings, env).nats_url == "nats://common"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    settings = load("oven", OvenSettings, {"SINYAL_OVEN_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.token.get_secret_value() == "s3cret"


def test_every_problem_is_reported_at_once_and_no_secret_is_shown() -> None:
    env = {"SINYAL_OVEN_HEAT_C": "9000", "SINYAL_OVEN_HTTP_PORT": "s3cret", "SINYAL_OVEN_HEET_C": "1"}
    with pytest.raises(StartError) as failed:
        load("oven", OvenSettings, env)
    lines = str(failed.value).splitlines()
    assert any(line.startswith("SINYAL_OVEN_HEAT_C:") and "300" in line for line in lines)
    assert any(line.startswith("SINYAL_OVEN_TOKEN:") and "from the baker" in line for line in lines)
    assert "SINYAL_OVEN_HEET_C: no such setting, did you mean SINYAL_OVEN_HEAT_C?" in lines
    assert "s3cret" not in str(failed.value)


def test_an_unreadable_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="SINYAL_OVEN_TOKEN_FILE: cannot read"):
        load("oven", OvenSettings, {"SINYAL_OVEN_TOKEN_FILE": str(tmp_path / "nothing")})


def test_settings_are_frozen() -> None:
    settings = load("oven", OvenSettings, {"SINYAL_OVEN_TOKEN": "t"})
    with pytest.raises(ValueError, match="frozen"):
        settings.heat_c = 1  # type: ignore[misc]


def test_every_variable_is_described() -> None:
    assert all(variables("oven", OvenSettings).values())
    assert variables("oven", OvenSettings)["SINYAL_OVEN_HEAT_C"] == "degrees Celsius"
