"""Metrics: what is advertised is measured."""

import re
from pathlib import Path

import prometheus_client
import pytest

from chassis import metrics

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(name for name, value in vars(metrics).items()
               if isinstance(value, prometheus_client.metrics.MetricWrapperBase))  # fmt: skip


@pytest.fixture(scope="module")
def product() -> str:
    paths = [path for folder in ("chassis", "services") for path in (ROOT / folder).rglob("*.py")]
    return "\n".join(path.read_text() for path in paths)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_is_measured_somewhere(name: str, product: str) -> None:
    assert re.search(rf"metrics\.{name}\b", product), f"{name} is exported and never set"


def test_every_metric_says_what_it_is_by_a_name_with_its_unit() -> None:
    for name in NAMES:
        metric = getattr(metrics, name)
        assert metric._documentation.endswith(".")
        assert metric._name.startswith("sinyal_")
