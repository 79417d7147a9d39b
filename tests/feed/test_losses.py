"""What a killed broker lost: said again where it still can be, told where it cannot."""

from chassis.clock import SystemClock
from contracts import catalogue, codec
from contracts.messages import CandleClosed, CandleCorrected, GapRecorded, Interval, Tick
from services.feed.domain.reconnect import Backoff, Breaker
from services.feed.handlers.losses import Said, amends, find_loss, said
from tests.feed.builders import NOON_MS

AT = SystemClock().now()


def ticks(count: int) -> list[Said]:
    told = (Tick(id=f"t{n}", at=AT, symbol="X", epoch_ms=NOON_MS + n, bid=1, ask=2) for n in range(count))
    return [said(catalogue.TICK, tick, "X") for tick in told]


def ids(items: list[Said]) -> list[str]:
    return [item.outgoing.id for item in items]


def test_what_follows_the_last_stored_message_is_the_tail_and_what_lies_before_it_is_lost() -> None:
    loss = find_loss(ticks(10), ["t2", "t3", "t6"])

    assert ids(loss.tail) == ["t7", "t8", "t9"]
    assert ids(loss.middle) == ["t4", "t5"]


def test_what_is_older_than_all_that_is_stored_was_let_go_and_an_empty_stream_lacks_all() -> None:
    assert find_loss(ticks(4), ["t2", "t3"]) == ([], [])
    assert ids(find_loss(ticks(3), []).tail) == ["t0", "t1", "t2"]


def test_ticks_lost_in_the_middle_are_told_as_one_gap_for_each_stretch() -> None:
    ours = ticks(10)

    told = [codec.decode(item.outgoing.body, GapRecorded) for item in amends(ours, [ours[n] for n in (2, 3, 6)])]

    assert [(gap.from_ms - NOON_MS, gap.to_ms - NOON_MS) for gap in told] == [(2, 4), (6, 7)]
    assert {gap.reason for gap in told} == {"the broker lost them"}


def test_a_candle_lost_in_the_middle_is_told_as_a_correction_of_nothing() -> None:
    prices = {"open": 1.0, "high": 3.0, "low": 0.5, "close": 2.0}
    candle = CandleClosed(id="c", at=AT, symbol="X", interval=Interval.M1, open_time_s=60, volume=7, **prices)
    ours = [said(catalogue.CANDLE, candle, "X", Interval.M1)]

    (told,) = amends(ours, ours)

    found = codec.decode(told.outgoing.body, CandleCorrected)
    assert told.outgoing.subject == "correction.v1.X.M1"
    assert (found.open, found.high, found.low, found.close, found.volume, found.was) == (1.0, 3.0, 0.5, 2.0, 7, None)


def test_a_breaker_opens_after_five_vain_tries_and_one_greeting_closes_it() -> None:
    breaker = Breaker()
    changes = [breaker.note(is_reached=False) for _ in range(7)]

    assert changes == [False] * 4 + [True, False, False]
    assert (breaker.at_least(1.0), breaker.at_least(45.0)) == (30.0, 45.0)
    assert breaker.note(is_reached=True)
    assert breaker.at_least(1.0) == 1.0


def test_however_the_dice_fall_a_venue_is_called_at_most_ten_times_in_the_first_minute() -> None:
    backoff, breaker, at_s, calls = Backoff(), Breaker(), 0.0, 0
    while at_s < 60:
        calls += 1
        breaker.note(is_reached=False)
        at_s += breaker.at_least(backoff.next_delay_s(0.0, 0.0))

    assert calls <= 10
