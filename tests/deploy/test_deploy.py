"""The files that operators run: dashboards, compose file, images."""

import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chassis import metrics
from chassis.settings import RoomSettings

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "deploy" / "grafana"


def load_builder():
    spec = importlib.util.spec_from_file_location("grafana_build", GRAFANA / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expressions(dashboard: dict) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


@pytest.fixture(scope="module")
def overview() -> dict:
    return json.loads((GRAFANA / "dashboards" / "overview.json").read_text())


def test_the_committed_dashboards_are_what_the_builder_writes() -> None:
    builder = load_builder()
    for name, dashboard in builder.DASHBOARDS.items():
        assert (GRAFANA / "dashboards" / name).read_text() == builder.build(*dashboard)


def test_every_metric_of_a_panel_is_one_that_we_export(overview: dict) -> None:
    asked = {name for text in expressions(overview) for name in re.findall(r"sinyal_\w+", text)}
    assert asked
    unknown = {name for name in asked if name.removesuffix("_bucket") not in metrics.exported()}
    assert not unknown


def test_panels_have_titles_of_their_own_and_the_provisioned_source(overview: dict) -> None:
    titles = [panel["title"] for panel in overview["panels"]]
    assert len(set(titles)) == len(titles)
    provisioned = (GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text()
    uids = {panel["datasource"]["uid"] for panel in overview["panels"] if panel["type"] != "row"}
    assert uids == set(re.findall(r"uid: (\w+)", provisioned))


def test_prometheus_scrapes_the_port_of_every_room() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    listened = dict(re.findall(r"SINYAL_(\w+)_HTTP_PORT: (\d+)", compose))
    scraped = dict(
        re.findall(r'"(\w+):(\d+)"\], labels', (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    )
    assert {room.lower(): port for room, port in listened.items()} == scraped
    assert len(scraped) == 5


def environment_of(room: str) -> list[str]:
    """List the variables that the compose file hands to a room's container, its own ones."""
    compose = (ROOT / "docker-compose.yml").read_text()
    block = re.search(rf"^  {room}:\n(.*?)^    healthcheck", compose, re.MULTILINE | re.DOTALL)
    assert block is not None
    return re.findall(rf"^      (SINYAL_{room.upper()}_\w+):", block[1], re.MULTILINE)


@pytest.mark.parametrize("room", ["feed", "signals", "positions", "charts", "telegram"])
def test_every_setting_of_a_room_reaches_its_container_and_only_its_own_do(room: str) -> None:
    """What an operator writes into `.env` must count; no room is handed another's secrets."""
    kind = next(
        kind
        for kind in vars(importlib.import_module(f"services.{room}.settings")).values()
        if isinstance(kind, type) and issubclass(kind, RoomSettings) and kind is not RoomSettings
    )
    of_the_container = {"database_url", "browser", "temp_folder"}  # its own broker, database, package and file system
    wanted = set(kind.model_fields) - set(RoomSettings.model_fields) - of_the_container | {"http_port", "nats_seed"}
    handed = environment_of(room)
    assert sorted(handed) == sorted(f"SINYAL_{room.upper()}_{name.upper()}" for name in wanted)


def test_no_service_fills_the_disk_with_its_log() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert re.search(r"x-logging: .*max-size: \d+m, max-file", compose)
    services = re.split(r"^  (?=[\w-]+:\n)", compose.split("\nservices:\n")[1], flags=re.MULTILINE)[1:]
    assert len(services) >= 11
    for service in services:
        assert "restart: unless-stopped" not in service or "logging: *logging" in service, service[:20]


def configured(tmp_path: Path, dotenv: str) -> dict:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker with compose v2 is not on this machine")
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    (tmp_path / ".env").write_text(dotenv)
    command = [docker, "compose", "config", "--format", "json"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SINYAL_")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=plain)
    return {name: service["environment"] for name, service in json.loads(done.stdout)["services"].items()
            if "environment" in service}  # fmt: skip


def test_a_copied_example_environment_leaves_the_containers_their_own_servers(tmp_path: Path) -> None:
    told = configured(tmp_path, (ROOT / ".env.example").read_text() + "POSTGRES_PASSWORD=other\n")
    for room in ("feed", "signals", "positions", "charts", "telegram", "migrate", "streams"):
        assert told[room]["SINYAL_NATS_URL"] == "nats://nats:4222"
        assert told[room]["SINYAL_DATABASE_URL"] == "postgresql://sinyal:other@postgres:5432/sinyal"
    assert told["postgres"]["POSTGRES_PASSWORD"] == "other"


@pytest.mark.parametrize(
    ("dotenv", "access"),
    [("", ""), ("SINYAL_TELEGRAM_TOKEN=1:x\n", "allow_list"), ("SINYAL_POSITIONS_ACCESS=operators\n", "operators")],
)
def test_a_real_bot_is_never_open_by_default(dotenv: str, access: str, tmp_path: Path) -> None:
    told = configured(tmp_path, dotenv)["positions"]
    assert (told["SINYAL_POSITIONS_ACCESS"], told["SINYAL_ACCESS"]) == (access, "open")


def test_the_dockerfile_needs_no_frontend_image_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "syntax=" not in dockerfile
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)


def test_the_compose_file_is_valid() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker with compose v2 is not on this machine")
    for profile in ([], ["--profile", "sandbox"]):
        command = [docker, "compose", *profile, "config", "-q"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
