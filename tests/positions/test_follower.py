"""The follower by itself: what it remembers, and for how long."""

from datetime import timedelta

from chassis.bus import Stored
from chassis.clock import ManualClock
from contracts.messages import ExitReason, Side, Tick
from services.positions.domain.levels import Followed
from services.positions.handlers.follower import RECENT_LIMIT, RECENT_S, Follower
from services.positions.ports import Mark
from tests.positions.builders import GOLD, START_MS, a_tick


class Tape:
    """Feeds a follower with ticks that are stored the moment they come."""

    def __init__(self, resume_from: Mark | None = None) -> None:
        self.clock = ManualClock()
        self.follower = Follower(GOLD, self.clock, resume_from)
        self.sequence = 0

    def play(self, tick: Tick, *, age_s: float = 0.0) -> bool:
        self.sequence += 1
        stored_at = self.clock.now() - timedelta(seconds=age_s)
        return self.follower.on_tick(Stored("tick.v1.XAUUSD", b"", {}, self.sequence, stored_at), tick)


def a_position(name: str = "p", after_ms: int = 0) -> Followed:
    return Followed(name, Side.BUY, 3998.1, 4003.1, START_MS + after_ms)


def test_a_tick_that_is_not_newer_is_left_out() -> None:
    tape = Tape()

    assert [tape.play(a_tick(after_ms, 4000.0)) for after_ms in (1000, 2000, 1500, 2000, 3000)] == [
        True, True, False, True, True,
    ]  # fmt: skip


def test_ticks_are_remembered_for_a_while_and_the_mark_rewinds_to_the_oldest() -> None:
    tape = Tape()
    for after_ms in (0, 1000, 2000):
        tape.play(a_tick(after_ms, 4000.0))
        tape.clock.advance(RECENT_S / 2)

    mark = tape.follower.batch(10).mark

    assert mark == Mark(3, START_MS + 2000, 1, START_MS)
    tape.play(a_tick(3000, 4000.0))
    assert tape.follower.batch(10).mark == Mark(4, START_MS + 3000, 2, START_MS + 1000)


def test_memory_is_bounded_however_fast_ticks_come() -> None:
    tape = Tape()
    for after_ms in range(RECENT_LIMIT + 10):
        tape.play(a_tick(after_ms, 4000.0))

    mark = tape.follower.batch(1).mark

    assert mark == Mark(RECENT_LIMIT + 10, START_MS + RECENT_LIMIT + 9, 1, START_MS)
    assert len(tape.follower._recent) == RECENT_LIMIT
    assert len(tape.follower._rewind) == 1


def test_a_tick_that_lay_in_the_stream_is_late() -> None:
    ends = []
    for age_s in (0.0, 6.0):
        tape = Tape()
        tape.clock.advance(60)
        tape.follower.follow([a_position()])
        tape.play(a_tick(1000, 3998.0), age_s=age_s)
        (one,) = tape.follower.batch(10).exits
        ends.append(one.exit.detected_late)

    assert ends == [False, True]


def test_a_position_that_was_crossed_before_it_was_known_ends_at_that_tick() -> None:
    tape = Tape()
    for after_ms, bid in ((0, 3990.0), (1000, 4003.5), (2000, 3990.0)):
        tape.play(a_tick(after_ms, bid))

    tape.follower.follow([a_position("a"), a_position("b"), a_position("late", 2000)])

    exits = tape.follower.batch(10).exits
    assert [(one.position_id, one.exit.reason, one.exit.price) for one in exits] == [
        ("a", ExitReason.TARGET, 4003.5), ("b", ExitReason.TARGET, 4003.5),
    ]  # fmt: skip
    assert tape.follower.open_count == 1


def test_an_exit_that_is_not_stored_yet_is_not_decided_again() -> None:
    tape = Tape()
    tape.follower.follow([a_position()])
    tape.play(a_tick(1000, 3998.0))

    tape.follower.follow([a_position()])
    tape.play(a_tick(2000, 3998.0))

    assert tape.follower.exit_count == 1
    tape.follower.stored(tape.follower.batch(10))
    assert (tape.follower.exit_count, tape.follower.exits_waiting.is_set()) == (0, False)


def test_the_mark_waits_for_the_exits_before_it() -> None:
    tape = Tape()
    tape.follower.follow([a_position("a"), a_position("b")])
    tape.play(a_tick(1000, 3998.0))

    batch = tape.follower.batch(1)
    assert (len(batch.exits), batch.mark) == (1, None)
    tape.follower.stored(batch)
    batch = tape.follower.batch(1)

    assert (len(batch.exits), batch.mark) == (1, Mark(1, START_MS + 1000, 1, START_MS + 1000))


def test_after_a_restart_the_ticks_from_the_rewind_on_are_followed_again() -> None:
    tape = Tape(Mark(9, START_MS + 5000, 4, START_MS + 2000))
    tape.follower.follow([a_position()])

    assert [tape.play(a_tick(after_ms, 4000.0)) for after_ms in (1000, 2000, 3000)] == [False, True, True]


def test_a_forgotten_position_is_not_closed() -> None:
    tape = Tape()
    tape.follower.follow([a_position()])

    tape.follower.forget("p")
    tape.play(a_tick(1000, 3998.0))

    assert (tape.follower.exit_count, tape.follower.open_count) == (0, 0)
