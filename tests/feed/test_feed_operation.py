"""What an operator sees of the feed: its dashboard asks for what is there."""

import importlib.util
import json
import re

import pytest
from prometheus_client import REGISTRY

from chassis import metrics
from tests.feed.desk import Desk
from tests.shared import ROOT

DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "feed.json"


def unknown(texts: list[str]) -> set[str]:
    asked = {name for text in texts for name in re.findall(r"sinyal_\w+", text)}
    assert len(asked) >= 6
    return {name for name in asked if name.removesuffix("_bucket") not in metrics.exported()}


def test_the_dashboard_of_the_feed_is_what_the_builder_writes_and_asks_for_what_is_exported() -> None:
    spec = importlib.util.spec_from_file_location("grafana_build", DEPLOY / "grafana" / "build.py")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    panels = json.loads(DASHBOARD.read_text())["panels"]

    assert DASHBOARD.read_text() == builder.build(*builder.DASHBOARDS["feed.json"])
    assert unknown([target["expr"] for panel in panels for target in panel.get("targets", [])]) == set()


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
