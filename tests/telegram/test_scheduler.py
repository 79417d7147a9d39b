"""The dispatcher's order and pace, as properties of any traffic."""

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.messages import SendClass
from services.telegram.domain.scheduler import HURRY_S, WEIGHTS, Job, Limits, Scheduler
from tests.telegram.storm import SIGNAL_LIFE_S, Town, Weather

LIMITS = Limits(per_second=28.0, private_gap_s=1.02, group_gap_s=3.05, in_flight=4)
A_HAIR_S = 1e-6


def job(chat_id=1, kind=SendClass.REPLY, work="w", **more):
    return Job(chat_id=chat_id, kind=kind, work=work, **more)


@dataclass
class Run:
    """What a simulated dispatcher did: (start, end, chat, work) of each call, and who expired."""

    calls: list = field(default_factory=list)
    expired: list = field(default_factory=list)
    most_in_flight: int = 0


def simulate(scheduler, arrivals, call_s, until_s=10_000.0):
    """Drive a scheduler through arrivals [(time, job)] with calls that take `call_s(work)`; returns its Run."""
    run, under_way, now = Run(), [], 0.0
    arrivals = sorted(arrivals, key=lambda arrival: arrival[0])
    while now < until_s:
        while arrivals and arrivals[0][0] <= now:
            scheduler.offer(arrivals.pop(0)[1], now)
        for done in [call for call in under_way if call[0] <= now]:
            under_way.remove(done)
            scheduler.complete(done[1], now)
        while (pick := scheduler.next(now)) is not None:
            if pick.is_expired:
                run.expired.append(pick.job.work)
                continue
            end = now + call_s(pick.job.work)
            run.calls.append((now, end, pick.job.chat_id, pick.job.work))
            under_way.append((end, pick.job.chat_id))
        run.most_in_flight = max(run.most_in_flight, len(under_way))
        moments = [call[0] for call in under_way] + [arrival[0] for arrival in arrivals[:1]]
        wake_at = scheduler.wake_at(now)
        moments += [wake_at] if wake_at is not None else []
        if not moments:
            return run
        now = max(now, min(moments))
    raise AssertionError("the traffic did not end")


traffic = st.lists(
    st.tuples(
        st.floats(0, 5),
        st.sampled_from([1, 2, 3, 4, 5, -6]),
        st.sampled_from(list(SendClass)),
        st.sampled_from([0.0, 0.05, 0.3, 5.0]),
    ),
    max_size=60,
)


def jobs_of(entries):
    ordered = sorted(enumerate(entries), key=lambda entry: entry[1][0])
    return [(at, job(chat, kind, (number, took))) for number, (at, chat, kind, took) in ordered]


@settings(max_examples=150, deadline=None)
@given(traffic)
def test_no_limit_is_ever_exceeded_and_nothing_is_lost(entries):
    run = simulate(Scheduler(LIMITS), jobs_of(entries), call_s=lambda work: work[1])

    assert sorted(work for *_, work in run.calls) == sorted(j.work for _, j in jobs_of(entries))
    assert run.most_in_flight <= LIMITS.in_flight
    starts = [start for start, *_ in run.calls]
    for first, start in enumerate(starts):
        within = sum(start <= other < start + 1.0 for other in starts[first:])
        assert within <= LIMITS.per_second + 1
    assert all(
        third - first >= 1 / LIMITS.per_second - A_HAIR_S for first, third in zip(starts, starts[2:], strict=False)
    )
    chats = defaultdict(list)
    for start, end, chat, _ in run.calls:
        chats[chat].append((start, end))
    for chat, calls in chats.items():
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(calls)]
        assert all(gap >= LIMITS.gap_s(chat) - A_HAIR_S for gap in gaps)


@settings(max_examples=150, deadline=None)
@given(traffic)
def test_order_within_a_chat_is_kept_whatever_the_classes(entries):
    arrivals = jobs_of(entries)

    run = simulate(Scheduler(LIMITS), arrivals, call_s=lambda work: work[1])

    for chat in {j.chat_id for _, j in arrivals}:
        offered = [j.work for _, j in arrivals if j.chat_id == chat]
        assert [work for _, _, c, work in run.calls if c == chat] == offered


@pytest.mark.parametrize("starved", [kind for kind in SendClass if kind is not SendClass.EXIT])
def test_no_class_starves_behind_an_endless_stream_of_the_first(starved):
    flood = [(0.0, job(chat, SendClass.EXIT, f"exit {chat}")) for chat in range(1, 401)]
    lonely = (0.0, job(1000, starved, "lonely"))

    run = simulate(Scheduler(Limits(in_flight=500)), [*flood, lonely], call_s=lambda _: 0.01)

    place = [work for *_, work in run.calls].index("lonely")
    assert place <= WEIGHTS[SendClass.EXIT] / WEIGHTS[starved] + 1


def test_signals_to_many_chats_pass_a_standing_broadcast():
    broadcast = [(0.0, job(chat, SendClass.BROADCAST, "b")) for chat in range(1, 1001)]
    signals = [(1.0, job(chat, SendClass.SIGNAL, "s")) for chat in range(2001, 2201)]

    run = simulate(Scheduler(Limits()), broadcast + signals, call_s=lambda _: 0.05)

    last = max(start for start, _, _, work in run.calls if work == "s")
    assert last - 1.0 < 200 / 28 * 1.1


def test_a_slow_chat_delays_no_other():
    arrivals = [(0.0, job(1, SendClass.SIGNAL, "slow")), (0.0, job(2, SendClass.SIGNAL, "fast"))]

    run = simulate(Scheduler(Limits()), arrivals, call_s=lambda work: 30.0 if work == "slow" else 0.05)

    starts = {work: start for start, _, _, work in run.calls}
    assert starts["fast"] < 0.1


def test_an_exit_pulls_the_whole_chat_forward():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(1, SendClass.BROADCAST, "other"), 0.0)
    scheduler.offer(job(2, SendClass.BROADCAST, "before"), 0.0)
    scheduler.offer(job(2, SendClass.EXIT, "exit"), 0.0)

    assert scheduler.next(0.0).job.work == "before"


def test_a_signal_keeps_its_place_when_an_exit_arrives_behind_it():
    scheduler = Scheduler(Limits(per_second=1000.0))
    for chat in (1, 2, 3):
        scheduler.offer(job(chat, SendClass.SIGNAL, f"signal {chat}", expires_s=60.0), 0.0)
    for chat in (4, 5, 2):
        scheduler.offer(job(chat, SendClass.EXIT, f"exit {chat}"), 1.0)

    taken = [scheduler.next(2.0 + turn).job.work for turn in range(5)]

    assert taken.index("signal 2") < taken.index("exit 4")


def test_what_expires_soon_gets_twice_its_share():
    def shares(expires_s, coalesce=None):
        scheduler = Scheduler(Limits(per_second=1000.0, in_flight=1000))
        for chat in range(1, 201):
            scheduler.offer(job(chat, SendClass.EXIT, "exit"), 0.0)
            scheduler.offer(job(chat + 200, SendClass.SIGNAL, "signal", expires_s=expires_s, coalesce=coalesce), 0.0)
        return Counter(scheduler.next(turn / 100).job.work for turn in range(150))

    assert shares(60.0) == {"exit": 100, "signal": 50}
    assert shares(HURRY_S - 1.0) == {"exit": 75, "signal": 75}
    assert shares(HURRY_S - 1.0, coalesce="edit") == {"exit": 100, "signal": 50}  # a newer edit makes good for it


def test_at_half_the_pace_all_signals_of_a_storm_are_still_in_time():
    town = Town(people=list(range(1, 291)), groups=[-n for n in range(1, 11)])
    arrivals = [
        (at, job(m.chat_id, m.kind, m.kind, expires_s=SIGNAL_LIFE_S if m.kind is SendClass.SIGNAL else None))
        for at, wave in zip((0.0, 8.0, 16.0), Weather(town).waves(), strict=True)
        for m in wave
    ]

    run = simulate(Scheduler(Limits(per_second=14.0)), arrivals, call_s=lambda _: 0.2)

    assert run.expired == []
    assert sum(work is SendClass.SIGNAL for *_, work in run.calls) == 300


def test_an_expired_job_is_told_and_costs_neither_pace_nor_rest():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(1, SendClass.SIGNAL, "old", expires_s=5.0), 0.0)
    scheduler.offer(job(1, SendClass.SIGNAL, "new"), 0.0)

    first, second = scheduler.next(6.0), scheduler.next(6.0)

    assert (first.job.work, first.is_expired) == ("old", True)
    assert (second.job.work, second.is_expired) == ("new", False)
    assert scheduler.in_flight == 1


def test_a_newer_edit_takes_the_place_of_the_waiting_one():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(1, SendClass.DASHBOARD, "edit 1", coalesce="d"), 0.0)
    scheduler.offer(job(1, SendClass.REPLY, "reply"), 0.0)

    replaced = scheduler.offer(job(1, SendClass.DASHBOARD, "edit 2", coalesce="d"), 0.0)

    assert replaced.work == "edit 1"
    assert scheduler.next(0.0).job.work == "edit 2"
    assert scheduler.waiting()[SendClass.DASHBOARD] == 0


def test_a_job_under_way_is_never_replaced():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(1, SendClass.DASHBOARD, "edit 1", coalesce="d"), 0.0)
    scheduler.next(0.0)

    assert scheduler.offer(job(1, SendClass.DASHBOARD, "edit 2", coalesce="d"), 0.0) is None


def test_a_failed_edit_gives_way_to_a_newer_one():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(1, SendClass.DASHBOARD, "edit 1", coalesce="d"), 0.0)
    failed = scheduler.next(0.0).job
    scheduler.offer(job(1, SendClass.DASHBOARD, "edit 2", coalesce="d"), 0.1)

    assert scheduler.put_back(failed, 0.2, 1.0) is failed
    assert scheduler.next(2.0).job.work == "edit 2"


def test_a_job_that_is_put_back_stays_first_in_its_chat_and_waits():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(1, SendClass.SIGNAL, "first"), 0.0)
    scheduler.offer(job(1, SendClass.EXIT, "second"), 0.0)
    first = scheduler.next(0.0).job

    scheduler.put_back(first, 0.0, 4.0)

    assert scheduler.next(3.9) is None
    assert scheduler.wake_at(3.9) == pytest.approx(4.0)
    assert scheduler.next(4.0).job.work == "first"


def test_one_flooded_chat_rests_alone():
    scheduler = Scheduler(Limits())
    for chat in (1, 2):
        scheduler.offer(job(chat, SendClass.SIGNAL, chat), 0.0)
    scheduler.flood(scheduler.next(0.0).job, 0.0, 7.0)

    assert scheduler.next(0.1).job.work == 2
    assert scheduler.next(6.9) is None
    assert scheduler.next(7.0).job.work == 1


def test_three_chats_flooded_within_two_seconds_let_everything_rest():
    scheduler = Scheduler(Limits())
    for chat in (1, 2, 3, 4):
        scheduler.offer(job(chat, SendClass.SIGNAL, chat), 0.0)
    floods = [scheduler.next(0.5 * n).job for n in range(3)]
    for number, flooded in enumerate(floods):
        scheduler.flood(flooded, 1.0 + 0.5 * number, 5.0)

    assert scheduler.is_paused(6.9)
    assert scheduler.next(6.9) is None
    assert scheduler.next(7.0).job.work in (1, 2, 3, 4)


def test_three_floods_of_one_chat_are_its_own_affair():
    scheduler = Scheduler(Limits(private_gap_s=0.0))
    scheduler.offer(job(1, SendClass.SIGNAL, 1), 0.0)
    for at in (0.0, 0.6, 1.2):
        scheduler.flood(scheduler.next(at).job, at, 0.5)

    assert not scheduler.is_paused(1.3)


def test_floods_that_lie_far_apart_are_no_storm():
    scheduler = Scheduler(Limits(private_gap_s=0.0))
    for chat in (1, 2, 3):
        scheduler.offer(job(chat, SendClass.SIGNAL, chat), 0.0)
    for at in (0.0, 2.1, 4.2):
        scheduler.flood(scheduler.next(at).job, at, 60.0)

    assert not scheduler.is_paused(4.3)


def test_only_an_equal_key_is_replaced():
    scheduler = Scheduler(Limits())
    for key in ("a", "b"):
        scheduler.offer(job(1, SendClass.DASHBOARD, key, coalesce=key), 0.0)

    assert scheduler.offer(job(1, SendClass.DASHBOARD, "b2", coalesce="b"), 0.0).work == "b"
    assert scheduler.offer(job(1, SendClass.DASHBOARD, "c", coalesce="c"), 0.0) is None


def test_a_pause_holds_everything_and_ends():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(), 0.0)
    scheduler.pause(0.0, 30.0)

    assert scheduler.next(29.9) is None
    assert scheduler.wake_at(0.0) == pytest.approx(30.0)
    assert scheduler.next(30.0) is not None


def test_a_job_that_ended_without_a_call_leaves_its_chat_free():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(1, work="known"), 0.0)
    scheduler.offer(job(1, work="next"), 0.0)
    scheduler.next(0.0)

    scheduler.complete(1, 0.04, was_called=False)

    assert scheduler.next(0.04).job.work == "next"


def test_completing_what_was_never_picked_is_a_bug():
    scheduler = Scheduler(Limits())
    scheduler.offer(job(1), 0.0)

    with pytest.raises(ValueError, match="no call in flight"):
        scheduler.complete(1, 0.0)


def test_draining_gives_all_waiting_jobs_back_oldest_first():
    scheduler = Scheduler(Limits())
    for chat, work in ((2, "a"), (1, "b"), (2, "c")):
        scheduler.offer(job(chat, work=work), 0.0)

    assert [j.work for j in scheduler.drain()] == ["a", "b", "c"]
    assert scheduler.next(1.0) is None
    assert sum(scheduler.waiting().values()) == 0


def test_a_busy_machine_does_not_slow_the_pace_and_idling_saves_up_one_call_at_most():
    scheduler = Scheduler(Limits(in_flight=1000))
    for chat in range(1, 1001):
        scheduler.offer(job(chat, work=chat), 0.0)
    late_by_a_third = [number * (4 / 3) / 28 for number in range(28 * 3 // 4)]

    started = sum(scheduler.next(at) is not None for at in late_by_a_third for _ in range(2))
    assert started == pytest.approx(28, abs=1.5)

    assert scheduler.next(10.0) is not None
    assert scheduler.next(10.0) is not None
    assert scheduler.next(10.0) is None


def test_a_silent_class_saves_up_no_credit():
    scheduler = Scheduler(Limits(per_second=1e9, in_flight=1000))
    for chat in range(1, 81):
        scheduler.offer(job(chat, SendClass.EXIT, "exit"), 0.0)
    for step in range(40):
        assert scheduler.next(0.001 * step) is not None
    for chat in range(101, 111):
        scheduler.offer(job(chat, SendClass.BROADCAST, "broadcast"), 1.0)

    following = [scheduler.next(2.0 + 0.001 * step).job.work for step in range(20)]

    assert following.count("broadcast") <= 1
