"""The searches that tests ask for."""

from typing import Any

from research.search.asking import Question
from research.search.spaces import space_of
from services.signals.domain.strategy import SearchRange
from tests.research.builders import rules
from tests.research.crossing import Crossing
from tests.research.walks import a_crossing, a_market

SPACE = space_of(
    Crossing,
    held={},
    only={
        "fast": None,
        "slow": None,
        "stop_percent": SearchRange(0.1, 0.4, 0.05),
        "target_percent": SearchRange(0.1, 0.8, 0.1),
    },
)
MARKET = a_market(4_000)


def a_question(**changes: Any) -> Question:
    asked = {
        "named": {"strategy": "crossing", "version": "1.0.0", "interval": "M1"},
        "build": a_crossing,
        "space": SPACE,
        "market": MARKET,
        "rules": rules(),
        "fewest": 5,
        "trials": 26,
    }
    return Question(**asked | changes)
