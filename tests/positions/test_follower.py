"""The follower by itself: what it remembers, and for how long."""

from datetime import timedelta

from chassis.bus import Stored
from chassis.clock import ManualClock
from contracts.messages import ExitReason, Side, Tick
from services.positions.domain.course import Followed
from services.positions.domain.levels import Standing
from services.positions.domain.plans import SCALED, STANDARD, Bracket, Plan, course_of, targets_of
from services.positions.handlers.follower import MOVES_EVERY_S, RECENT_LIMIT, RECENT_S, Follower
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


# --- plans ------------------------------------------------------------------------------------------------------------


def a_managed(name: str = "p", plan: Plan = STANDARD) -> Followed:
    """A BUY at 4000.10 with a risk of 2.00."""
    bracket = Bracket(side=Side.BUY, entry=4000.1, initial_stop=3998.1)
    first, *later = targets_of(plan, bracket, GOLD, 4006.1)
    return Followed(name, Side.BUY, 3998.1, first, START_MS, tuple(later), course_of(plan, bracket, GOLD, START_MS))


def moves(tape: Tape) -> list[tuple[str, float, ExitReason]]:
    """Take what is due, as the writer does."""
    batch = tape.follower.batch(100)
    tape.follower.stored(batch)
    return [(one.position_id, one.standing.stop, one.standing.reason) for one in batch.moves]


def test_a_moved_stop_is_told_at_once_and_again_after_half_a_minute_with_the_last_word() -> None:
    tape = Tape()
    tape.follower.follow([a_managed()])
    tape.play(a_tick(1000, 4001.2))
    assert moves(tape) == [("p", 4000.1, ExitReason.BREAK_EVEN)]

    for second in range(2, 8):
        tape.play(a_tick(1000 * second, 4002.0 + second / 10))
        tape.clock.advance(4.9)
        assert moves(tape) == []
    tape.clock.advance(1)

    assert moves(tape) == [("p", 4002.2, ExitReason.TRAILING)]
    assert moves(tape) == []


def test_a_move_that_is_not_due_is_not_lost_when_its_time_comes() -> None:
    tape = Tape()
    tape.follower.follow([a_managed()])
    tape.follower.begin_telling()
    tape.play(a_tick(1000, 4001.2))
    assert moves(tape) == []

    tape.clock.advance(MOVES_EVERY_S)

    assert moves(tape) == [("p", 4000.1, ExitReason.BREAK_EVEN)]


def test_a_part_tells_the_stop_of_the_rest_so_that_the_move_is_no_news() -> None:
    tape = Tape()
    tape.follower.follow([a_managed(plan=SCALED)])
    tape.play(a_tick(1000, 4002.1))

    batch = tape.follower.batch(10)
    (one,) = batch.exits
    assert (one.is_last, one.exit.reason, one.exit.level) == (False, ExitReason.TARGET, 4002.1)
    assert one.standing == Standing(4001.6, ExitReason.TRAILING)
    assert batch.moves == []


def test_ticks_that_came_before_a_position_was_known_move_its_stop_too() -> None:
    tape = Tape()
    for after_ms, bid in ((1000, 4001.2), (2000, 4002.4), (3000, 4002.1)):
        tape.play(a_tick(after_ms, bid))

    tape.follower.follow([a_managed("a"), a_managed("b")])

    assert tape.follower.standing("a") == Standing(4001.9, ExitReason.TRAILING)
    assert moves(tape) == [("a", 4001.9, ExitReason.TRAILING), ("b", 4001.9, ExitReason.TRAILING)]
    tape.play(a_tick(4000, 4001.9))
    assert [one.exit.level for one in tape.follower.batch(10).exits] == [4001.9, 4001.9]


def test_a_position_that_lived_and_ended_before_it_was_known_tells_its_parts_and_its_end() -> None:
    tape = Tape()
    for after_ms, bid in ((1000, 4002.2), (2000, 4003.2), (3000, 4000.0)):
        tape.play(a_tick(after_ms, bid))

    tape.follower.follow([a_managed(plan=SCALED)])

    exits = tape.follower.batch(10).exits
    assert [(one.is_last, one.exit.level, one.exit.price) for one in exits] == [
        (False, 4002.1, 4002.2), (False, 4003.1, 4003.2), (True, 4002.7, 4000.0),
    ]  # fmt: skip
    assert moves(tape) == []
    assert tape.follower.open_count == 0
