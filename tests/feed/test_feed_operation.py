"""What an operator sees of the feed: its dashboard and its alerts ask for what is there, and say what to do."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from chassis import metrics
from tests.feed.desk import Desk
from tests.shared import ROOT

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules" / "feed.yml"
CASES = DEPLOY / "prometheus" / "tests" / "feed.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "feed.json"


def alerts() -> dict[str, str]:
    """Read each alert's text by its name; a reader of YAML is no library of ours."""
    name, *texts = re.split(r"^ +- alert: (\w+)\n", RULES.read_text(), flags=re.MULTILINE)
    assert "groups:" in name
    return dict(zip(texts[::2], texts[1::2], strict=True))


def field(alert: str, name: str) -> str:
    found = re.search(rf"^ +{name}: (.+)$", alert, re.MULTILINE)
    assert found is not None, f"{name} is missing: {alert}"
    return found[1]


def exported() -> set[str]:
    types = [line.split() for line in metrics.exposition().decode().splitlines() if line.startswith("# TYPE ")]
    return {name for _, _, name, _ in types}


def unknown(texts: list[str]) -> set[str]:
    asked = {name for text in texts for name in re.findall(r"sinyal_\w+", text)}
    assert len(asked) >= 6
    return {name for name in asked if name.removesuffix("_bucket") not in exported()}


def test_the_dashboard_of_the_feed_is_what_the_builder_writes_and_asks_for_what_is_exported() -> None:
    spec = importlib.util.spec_from_file_location("grafana_build", DEPLOY / "grafana" / "build.py")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    panels = json.loads(DASHBOARD.read_text())["panels"]

    assert DASHBOARD.read_text() == builder.build(*builder.DASHBOARDS["feed.json"])
    assert unknown([target["expr"] for panel in panels for target in panel.get("targets", [])]) == set()


def test_every_alert_asks_for_what_is_exported_and_says_what_to_do() -> None:
    assert unknown(list(alerts().values())) == set()
    for alert in alerts().values():
        page, _, anchor = field(alert, "runbook").partition("#")
        assert field(alert, "action")
        assert f"**{anchor.replace('-', ' ')}**" in (ROOT / page).read_text().lower()


def test_every_alert_has_a_case_in_which_it_speaks_and_one_in_which_it_is_silent() -> None:
    _, quiet, *loud = CASES.read_text().split("  - name: ")

    assert set(re.findall(r"alertname: (\w+)}", quiet)) == set(alerts())
    expected = re.findall(r"labels: (?:>-\s+)?'?ALERTS\{alertname=\"(\w+)\"", "".join(loud))
    assert set(expected) == set(alerts())


def test_the_alerts_speak_and_are_silent_as_their_cases_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        assert not os.environ.get("CI"), "promtool is missing"
        pytest.skip("promtool (Debian: prometheus) is not on this machine")
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", str(Path("tests") / CASES.name)]):
        done = subprocess.run(
            [promtool, *command], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("sample", "labels"),
    [
        ("sinyal_gaps_total", {"symbol": "XAUUSD"}),
        ("sinyal_candle_corrections_total", {"symbol": "XAUUSD", "interval": "M1"}),
        ("sinyal_bad_input_total", {"reason": "clock_jump"}),
    ],
)
def test_what_has_not_happened_yet_is_shown_as_a_number_so_that_its_first_time_is_a_rise(sample, labels) -> None:
    Desk()

    assert REGISTRY.get_sample_value(sample, labels) is not None
