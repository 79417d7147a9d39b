"""The files that operators run: dashboards, compose file, images."""

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chassis import metrics

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
    exported = {name for line in metrics.exposition().decode().splitlines() if line.startswith("# TYPE ")
                for name in [line.split()[2]]}  # fmt: skip
    asked = {name for text in expressions(overview) for name in re.findall(r"sinyal_\w+", text)}
    assert asked
    unknown = {name for name in asked if name.removesuffix("_bucket") not in exported}
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
