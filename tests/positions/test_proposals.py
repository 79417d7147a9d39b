"""A signal becomes positions, on a real PostgreSQL."""

import asyncio
from decimal import Decimal

import pytest

from contracts import asks, catalogue, ids
from contracts.messages import FeedState, Mode, SendClass, Side, SignalNotice
from tests.positions.builders import START_MS, a_signal, a_tick
from tests.positions.house import House, until


async def test_a_signal_gives_each_subscriber_one_position_and_one_message(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await house.subscribe(3, auto=False)
        signal = a_signal()

        await house.raise_signal(signal)
        await until(lambda: len(house.sent()) == 2, "two messages")

    one = house.sent()[0]
    position_id = ids.position_id(signal.id, 1)
    assert await house.states() == {1: "proposed", 2: "proposed"}
    assert (one.id, one.chat_id, one.language, one.time_zone) == (
        ids.send_id(position_id, "signal"), 1, "id", "Asia/Jakarta",
    )  # fmt: skip
    assert (one.position_id, one.kind, one.trace[:2]) == (position_id, SendClass.SIGNAL, "00")
    assert (one.expires_at - signal.at).total_seconds() == 60
    assert isinstance(one.content, SignalNotice)
    assert (one.content.entry, one.content.stop, one.content.targets) == (4000.1, 3998.1, (4003.1,))
    assert (one.content.lots, one.content.risk, one.content.pip) == (Decimal("0.01"), Decimal("2.00"), 0.1)
    assert [fact.subscriber_id for fact in house.bus.said(catalogue.POSITION_PROPOSED)] == [1, 2]


async def test_one_picture_is_wished_for_per_language(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await house.subscribe(3, 4, language="en")

        await house.raise_signal(a_signal())
        await until(lambda: len(house.sent()) == 4, "four messages")

    wishes = house.bus.said(catalogue.CHART)
    keys = {one.subscriber_id: one.chart_key for one in house.sent()}
    assert sorted(wish.language for wish in wishes) == ["en", "id"]
    assert {wish.key for wish in wishes} == set(keys.values())
    assert (keys[1] == keys[2], keys[3] == keys[4], keys[1] == keys[3]) == (True, True, False)
    assert wishes[0].levels is not None
    assert wishes[0].levels.entry == 4000.1


async def test_a_signal_that_comes_twice_is_given_once(house: House) -> None:
    async with house.room() as room:
        await house.feed()
        await house.subscribe(1)
        signal = a_signal()
        await house.raise_signal(signal)

        await room.proposing.on_signal(signal, await house.any_stored())
        await house.quiet()

    assert len(house.sent()) == 1
    assert await house.rows("select count(*) from position") == [(1,)]
    assert await house.rows("select count(*) from refusal") == [(0,)]


@pytest.mark.parametrize(
    ("feed", "changes", "why"),
    [
        (FeedState.STALE, {}, "why.feed_not_live"),
        (FeedState.LIVE, {"ask": 4001.2}, "why.spread_too_wide"),
        (FeedState.LIVE, {"valid_for_s": 0}, "why.signal_expired"),
    ],
)
async def test_a_closed_gate_of_the_market_is_told_to_everybody(
    house: House, feed: FeedState, changes: dict[str, object], why: str
) -> None:
    async with house.room():
        await house.feed(feed)
        await house.subscribe(1, 2)

        await house.raise_signal(a_signal(**changes))
        answers = [await house.why(person) for person in (1, 2)]

    assert [answer.refusals for answer in answers] == [(why,), (why,)]
    assert house.sent() == []


async def test_personal_gates_close_for_those_they_are_meant_for(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await house.subscribe(2)
        await house.raise_signal(a_signal(2, side=Side.SELL))
        await house.sent_to(2)
        refused = await house.rows("select subscriber_id, reasons from refusal")

        assert refused == [(1, ["why.position_open"])]
        assert (await house.why(1)).reasons == ("reason.trf_with.buy", "reason.macd_crossed.buy")


async def test_a_loser_is_cooled_down_and_not_given_the_same_again(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await house.tick(a_tick(1000, 3998.0))
        await house.closed(1)

        await house.raise_signal(a_signal(0, id="s:other", quote_ms=START_MS + 20_000))

        assert (await house.why(1)).refusals == ("why.cooldown", "why.same_signal")


async def test_somebody_who_is_no_longer_let_in_gets_nothing(house: House) -> None:
    async with house.room():
        await house.subscribe(1, 2)
    async with house.room(access="allow_list", allowed_ids="2"):
        await house.feed()

        await house.raise_signal(a_signal())
        await house.sent_to(2)

        assert list(await house.states()) == [2]


async def test_two_copies_that_race_for_one_user_give_him_one_position(house: House) -> None:
    """Two rooms on one database handle two signals for the same people at the same time."""
    people = tuple(range(1, 31))
    async with house.room() as one:
        await house.feed()
        await house.subscribe(*people)
        async with house.room(follows=False) as other:
            await house.feed()
            stored = await house.any_stored()
            signals = a_signal(0), a_signal(0, id="s:other", side=Side.SELL)

            await asyncio.gather(
                one.proposing.on_signal(signals[0], stored), other.proposing.on_signal(signals[1], stored)
            )
            await until(lambda: len(house.sent()) == len(people), "one message each")
            await house.quiet()

    assert {one.subscriber_id for one in house.sent()} == set(people)
    assert await house.rows("select count(*) from position") == [(30,)]
    assert await house.rows("select count(*), min(reasons[1]) from refusal") == [(30, "why.position_open")]


async def test_what_the_database_refuses_for_one_is_given_to_the_others(house: House) -> None:
    await house.rows_only(
        """
        create function positions.fail() returns trigger language plpgsql as
            $$ begin raise exception 'not this one'; end $$;
        create trigger fail before insert on positions.position for each row when (new.subscriber_id = 13)
            execute function positions.fail();
        """
    )
    async with house.room():
        await house.feed()
        await house.subscribe(*range(1, 31))

        await house.raise_signal(a_signal())
        await until(lambda: len(house.sent()) == 29, "29 messages")

    assert sorted(await house.states()) == [one for one in range(1, 31) if one != 13]
    assert len(house.bus.said(catalogue.CHART)) == 1


async def test_a_signal_of_a_symbol_that_is_not_followed_is_buried(house: House) -> None:
    async with house.room():
        await house.raise_signal(a_signal(symbol="XAGUSD"))

    (letter,) = house.bus.said(catalogue.DEAD)
    assert "SINYAL_POSITIONS_SYMBOLS" in letter.reason


# --- on demand --------------------------------------------------------------------------------------------------------


async def test_a_signal_on_demand_is_given_to_the_one_who_asked(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        manual = a_signal(mode=Mode.MANUAL)
        async with house.bus.answer(catalogue.EVALUATE, _judge(asks.Evaluation(signal=manual))):
            answer = await house.ask_for_signal(1)
        await house.raise_signal(manual)  # the record of it: nobody else gets it
        message = await house.sent_to(1)
        await house.quiet()

    assert answer == asks.SignalRequested(position_id=ids.position_id(manual.id, 1))
    assert (message.position_id, len(house.sent())) == (answer.position_id, 1)


async def test_two_requests_at_once_give_one_position(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        evaluation = asks.Evaluation(signal=a_signal(mode=Mode.MANUAL))
        async with house.bus.answer(catalogue.EVALUATE, _judge(evaluation)):
            answers = await asyncio.gather(*(house.ask_for_signal(1) for _ in range(5)))

    assert sorted(answer.position_id is not None for answer in answers) == [False] * 4 + [True]
    assert await house.rows("select count(*) from position") == [(1,)]


@pytest.mark.parametrize(
    ("feed", "evaluation", "why"),
    [
        (FeedState.CLOSED, asks.Evaluation(signal=None, why=("why.not_asked",)), ("why.feed_not_live",)),
        (FeedState.LIVE, asks.Evaluation(signal=None, why=("why.no_side_leads",)), ("why.no_side_leads",)),
    ],
)
async def test_a_request_without_a_signal_says_why(
    house: House, feed: FeedState, evaluation: asks.Evaluation, why: tuple[str, ...]
) -> None:
    async with house.room():
        await house.feed(feed)
        await house.subscribe(1)
        async with house.bus.answer(catalogue.EVALUATE, _judge(evaluation)):
            answer = await house.ask_for_signal(1)
        told = await house.why(1)

    assert answer == asks.SignalRequested(position_id=None, why=why)
    assert told.refusals == why


async def test_a_request_while_a_position_is_open_is_refused_before_the_market_is_judged(house: House) -> None:
    async with house.room():
        await house.opened(1)

        answer = await house.ask_for_signal(1)

    assert answer.why == ("why.position_open", "why.cooldown")


def _judge(evaluation: asks.Evaluation):
    async def judge(_request: asks.EvaluateNow) -> asks.Evaluation:
        return evaluation

    return judge


@pytest.mark.parametrize(("closed_at_ms", "given"), [(180_000, 2), (180_001, 1)])
async def test_who_had_a_position_at_the_signals_quote_gets_none_whether_its_end_is_stored_or_not(
    house: House, closed_at_ms: int, given: int
) -> None:
    async with house.room(plan="single+limit:180"):
        await house.opened(1)
        await house.tick(a_tick(closed_at_ms, 3999.9))
        await house.closed(1)

        await house.raise_signal(a_signal(3))
        await house.quiet()

    assert len(house.sent()) == given


async def test_a_price_that_has_gone_away_is_priced_anew_with_the_same_distances(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.tick(a_tick(2000, 4000.51))
        await house.quiet()

        await house.raise_signal(a_signal())
        send = await house.sent_to(1)
        await house.followed(1)

    assert (send.content.entry, send.content.stop, send.content.targets) == (4000.71, 3998.71, (4003.71,))
    assert send.content.market_ms == START_MS + 2000
    assert await house.rows("select entry, in_force_ms from position") == [(4000.71, START_MS + 2000)]


async def test_a_price_that_moved_a_little_leaves_the_signal_as_it_is(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.tick(a_tick(2000, 4000.5))
        await house.quiet()

        await house.raise_signal(a_signal())
        send = await house.sent_to(1)

    assert send.content.entry == 4000.1
