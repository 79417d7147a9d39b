"""What a faster pace costs."""

from decimal import Decimal

import pytest

from services.telegram.domain.fees import FREE_PER_SECOND, FeeMeter, cost


@pytest.mark.parametrize(
    ("messages", "per_second", "stars"),
    [(10_000, 28.0, "0"), (10_000, 30.0, "0"), (10_000, 100.0, "700"), (1000, 1000.0, "97"), (0, 500.0, "0")],
)
def test_only_what_lies_above_thirty_a_second_is_paid(messages, per_second, stars):
    assert cost(messages, per_second) == Decimal(stars)


def test_the_meter_counts_what_the_preview_promised():
    meter = FeeMeter()
    for number in range(1000):
        meter.count(number / 100)
    assert meter.stars == cost(1000, 100.0)


def test_thirty_in_any_second_are_free_and_the_next_is_not():
    meter = FeeMeter()
    assert sum(meter.count(0.0) for _ in range(FREE_PER_SECOND)) == 0
    assert meter.count(0.99) == Decimal("0.1")
    assert meter.count(1.0) == 0
