"""What an operator is told: each alert asks for what is exported, says what to do, and speaks when it should."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chassis import metrics
from tests.shared import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
ROOMS = sorted(path.stem for path in (PROMETHEUS / "rules").glob("*.yml"))


def alerts(room: str) -> dict[str, str]:
    """Read each alert's text by its name; a reader of YAML is no library of ours."""
    text = (PROMETHEUS / "rules" / f"{room}.yml").read_text()
    name, *texts = re.split(r"^ +- alert: (\w+)\n", text, flags=re.MULTILINE)
    assert "groups:" in name
    return dict(zip(texts[::2], texts[1::2], strict=True))


def field(alert: str, name: str) -> str:
    found = re.search(rf"^ +{name}: (.+)$", alert, re.MULTILINE)
    assert found is not None, f"{name} is missing: {alert}"
    return found[1]


def cases_of(room: str) -> Path:
    return PROMETHEUS / "tests" / f"{room}.yml"


@pytest.mark.parametrize("room", ROOMS)
def test_every_alert_asks_for_what_is_exported_and_says_what_to_do(room: str) -> None:
    asked = {name for text in alerts(room).values() for name in re.findall(r"sinyal_\w+", text)}

    assert asked
    assert {name for name in asked if name.removesuffix("_bucket") not in metrics.exported()} == set()
    for alert in alerts(room).values():
        page, _, anchor = field(alert, "runbook").partition("#")
        assert field(alert, "action")
        assert f"**{anchor.replace('-', ' ')}**" in (ROOT / page).read_text().lower()


@pytest.mark.parametrize("room", ROOMS)
def test_every_alert_has_a_case_in_which_it_speaks_and_one_in_which_it_is_silent(room: str) -> None:
    _, quiet, *loud = cases_of(room).read_text().split("  - name: ")

    assert set(re.findall(r"alertname: (\w+)}", quiet)) == set(alerts(room))
    expected = re.findall(r"labels: (?:>-\s+)?'?ALERTS\{alertname=\"(\w+)\"", "".join(loud))
    assert set(expected) == set(alerts(room))


@pytest.mark.parametrize("room", ROOMS)
def test_the_alerts_speak_and_are_silent_as_their_cases_say(room: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        assert not os.environ.get("CI"), "promtool is missing"
        pytest.skip("promtool (Debian: prometheus) is not on this machine")
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", str(cases_of(room))]):
        done = subprocess.run([promtool, *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
