"""What people ask, and that nobody hears of anybody else."""

import asyncio
from decimal import Decimal

import pytest

from chassis.errors import AskFailedError, StartError
from chassis.settings import load
from contracts import asks, catalogue, channels
from contracts.messages import ExitReason, FeedState, Quote, Side
from services.positions.adapters.postgres_answers import _LAST_STORY
from services.positions.settings import PositionsSettings
from tests.positions.builders import START_MS, a_delivery, a_signal, a_tick, now
from tests.positions.house import House, until


async def register(house: House, person: int, language: str | None = None) -> asks.Subscriber:
    request = asks.RegisterSubscriber(subscriber_id=person, chat_id=person * 10, name="n", language=language)
    return await house.bus.ask(catalogue.REGISTER, request)


async def test_a_newcomer_starts_with_the_defaults_and_without_automatic_signals(house: House) -> None:
    async with house.room(operator_ids="7"):
        first = await register(house, 7, "en-GB")
        await house.bus.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=7, auto=True))
        again = await register(house, 7, "id")

    assert first == asks.Subscriber(
        subscriber_id=7, chat_id=70, language="en", time_zone="Asia/Jakarta", auto=False, lots=Decimal("0.01"),
        active=True, is_operator=True, is_new=True,
    )  # fmt: skip
    assert (again.is_new, again.auto, again.language) == (False, True, "en")


@pytest.mark.parametrize(
    ("settings", "let_in"),
    [
        ({"access": "open"}, [5, 6, 7]),
        ({"access": "allow_list", "allowed_ids": "5,6"}, [5, 6]),
        ({"access": "operators", "operator_ids": "7"}, [7]),
    ],
)
async def test_registration_is_open_to_those_it_is_meant_for(
    house: House, settings: dict[str, str], let_in: list[int]
) -> None:
    registered = []
    async with house.room(**settings):
        for person in (5, 6, 7):
            answer = await asyncio.gather(register(house, person), return_exceptions=True)
            registered += [one.subscriber_id for one in answer if isinstance(one, asks.Subscriber)]
            assert [one.code for one in answer if isinstance(one, AskFailedError)] in ([], ["not_allowed"])

    assert registered == let_in


async def test_choices_are_kept(house: House) -> None:
    async with house.room():
        await register(house, 1)
        await house.bus.ask(catalogue.SET_LANGUAGE, asks.SetLanguage(subscriber_id=1, language="en"))
        await house.bus.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=1, auto=True))

        kept = await house.bus.ask(catalogue.SUBSCRIBER, asks.GetSubscriber(subscriber_id=1))

    assert (kept.language, kept.auto) == ("en", True)


@pytest.mark.parametrize(
    ("question", "request_", "code"),
    [
        (catalogue.SET_LANGUAGE, asks.SetLanguage(subscriber_id=1, language="de"), "bad_language"),
        (catalogue.SET_LANGUAGE, asks.SetLanguage(subscriber_id=2, language="en"), "not_registered"),
        (catalogue.SET_AUTO, asks.SetAuto(subscriber_id=2, auto=True), "not_registered"),
        (catalogue.SUBSCRIBER, asks.GetSubscriber(subscriber_id=2), "not_registered"),
        (catalogue.STATUS, asks.GetStatus(subscriber_id=2, symbol="XAUUSD"), "not_registered"),
        (catalogue.STATUS, asks.GetStatus(subscriber_id=1, symbol="XAGUSD"), "unknown_symbol"),
        (catalogue.HISTORY, asks.GetHistory(subscriber_id=2), "not_registered"),
        (catalogue.WHY, asks.GetWhy(subscriber_id=2), "not_registered"),
        (catalogue.WHY, asks.GetWhy(subscriber_id=1, position_id="p:none"), "not_found"),
        (catalogue.REQUEST_CHART, asks.RequestChart(subscriber_id=1, symbol="XAUUSD"), "no_price"),
        (catalogue.REQUEST_SIGNAL, asks.RequestSignal(subscriber_id=1, symbol="XAGUSD"), "unknown_symbol"),
        (catalogue.REQUEST_SIGNAL, asks.RequestSignal(subscriber_id=1, symbol="XAUUSD"), "signals_unavailable"),
    ],
)
async def test_what_cannot_be_answered_says_why(
    house: House, question: channels.Ask, request_: object, code: str
) -> None:
    async with house.room():
        await house.feed()
        await register(house, 1)

        with pytest.raises(AskFailedError) as refused:
            await house.bus.ask(question, request_)

    assert refused.value.code == code


async def test_status_shows_the_position_at_the_price_it_could_be_closed_at(house: House) -> None:
    async with house.room() as room:
        await house.opened(1)
        await house.tick(a_tick(5000, 4001.1))
        await until(lambda: (price := room.market.price("XAUUSD")) and price.bid == 4001.1, "the price")

        status = await house.status(1)

    assert status.position is not None
    assert (status.position.price, status.position.pnl, status.position.r) == (4001.1, Decimal("1.00"), 0.5)
    assert (status.position.is_open, status.position.opened_ms, status.position.side) == (True, START_MS, Side.BUY)
    assert (status.feed, status.bid, status.ask, status.market_ms) == (
        FeedState.LIVE, 4001.1, 4001.3, START_MS + 5000,
    )  # fmt: skip
    assert (status.auto, status.digits) == (True, 2)


async def test_status_gives_no_price_while_the_feed_is_not_live(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await house.feed(FeedState.RECONNECTING)

        status = await house.status(1)

    assert status.position is not None
    assert (status.position.price, status.position.pnl, status.position.r) == (None, None, None)
    assert (status.feed, status.feed_since_ms) == (FeedState.RECONNECTING, START_MS)


async def test_status_before_anything_is_known(house: House) -> None:
    async with house.room():
        await register(house, 1)

        status = await house.status(1)

    assert (status.position, status.feed, status.feed_since_ms, status.bid) == (None, FeedState.STALE, None, None)


async def test_a_copy_that_does_not_follow_ticks_knows_the_price_from_quotes(house: House) -> None:
    quote = Quote(
        id="q", at=now(), symbol="XAUUSD", epoch_ms=START_MS + 1, bid=4000.0, ask=4000.2, state=FeedState.LIVE
    )
    async with house.room() as room:
        await house.bus.tell(catalogue.QUOTE, quote, "XAUUSD")
        await until(lambda: room.market.price("XAUUSD"), "the price")
        older = Quote(id="o", at=now(), symbol="XAUUSD", epoch_ms=START_MS, bid=1.0, ask=1.2, state=FeedState.LIVE)
        room.market.learn_price(older)

        assert room.market.price("XAUUSD").bid == 4000.0


async def test_history_is_paged_and_added_up(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await _close_many(house, [3998.1, 4003.1, 4003.1])

        first = await house.history(1, page_size=2)
        beyond = await house.history(1, page=9, page_size=2)
        nothing = await house.history(1, page=-3, page_size=0)

    assert [(one.reason, one.pnl) for one in first.trades] == [
        (ExitReason.TARGET, Decimal("3.00")), (ExitReason.TARGET, Decimal("3.00")),
    ]  # fmt: skip
    assert (first.page, first.pages, first.total, first.wins, first.losses) == (0, 2, 3, 2, 1)
    assert (first.pnl, first.digits) == (Decimal("4.00"), 2)
    assert (beyond.page, [one.reason for one in beyond.trades]) == (1, [ExitReason.STOP])
    assert (nothing.page, len(nothing.trades)) == (0, 1)


async def test_somebody_without_trades_has_one_empty_page(house: House) -> None:
    async with house.room():
        await register(house, 1)

        history = await house.history(1)

    assert (history.trades, history.page, history.pages, history.total, history.pnl) == ((), 0, 1, 0, Decimal(0))


async def test_why_tells_the_reasons_of_the_signal_or_of_the_refusal_whichever_came_later(house: House) -> None:
    async with house.room():
        await house.opened(1)
        before = await house.why(1)
        await house.tick(a_tick(1000, 3998.0))
        await house.closed(1)
        await house.feed(FeedState.STALE)
        await house.raise_signal(a_signal(5))
        after = await house.why(1)
        of_position = await house.why(1, house.sent()[0].position_id)
        await register(house, 2)
        nothing = await house.why(2)

    assert (before.reasons, before.refusals) == (("reason.trf_with.buy", "reason.macd_crossed.buy"), ())
    assert (after.reasons, after.refusals) == ((), ("why.feed_not_live",))
    assert of_position.reasons == before.reasons
    assert nothing == asks.Why(reasons=(), refusals=(), signal_at=None)


async def test_nobody_hears_of_anybody_elses_trades(house: House) -> None:
    async with house.room():
        await house.opened(1, 2)
        other = (await house.sent_to(1)).position_id
        await house.tick(a_tick(1000, 4003.1))
        await house.closed(2)
        await register(house, 3)

        status, history = await house.status(3), await house.history(3)
        mine = await house.history(2)
        for question, request_ in (
            (catalogue.WHY, asks.GetWhy(subscriber_id=2, position_id=other)),
            (catalogue.REQUEST_CHART, asks.RequestChart(subscriber_id=2, symbol="XAUUSD", position_id=other)),
        ):
            with pytest.raises(AskFailedError, match="no such position"):
                await house.bus.ask(question, request_)

    assert (status.position, history.total) == (None, 0)
    assert [one.position_id for one in mine.trades] == [(await house.sent_to(2)).position_id]


async def test_a_chart_on_demand_shows_the_live_position_or_the_market(house: House) -> None:
    async with house.room() as room:
        await house.opened(1)
        await register(house, 2, "en")
        await house.tick(a_tick(200_000, 4000.0))
        await until(lambda: room.market.price("XAUUSD").epoch_ms > START_MS, "the price")
        ask = catalogue.REQUEST_CHART
        with_levels = await house.bus.ask(ask, asks.RequestChart(subscriber_id=1, symbol="XAUUSD"))
        market = await house.bus.ask(ask, asks.RequestChart(subscriber_id=2, symbol="XAUUSD"))

    wishes = {one.key: one for one in house.bus.said(catalogue.CHART)}
    assert wishes[with_levels.chart_key].levels is not None
    assert wishes[with_levels.chart_key].until_s == START_MS // 1000 + 120
    assert (wishes[market.chart_key].levels, wishes[market.chart_key].language) == (None, "en")


async def test_a_chart_of_a_closed_position_ends_where_it_ended(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await house.tick(a_tick(70_000, 4003.1), a_tick(3_600_000, 4003.1))
        await house.closed(1)
        request = asks.RequestChart(subscriber_id=1, symbol="XAUUSD", position_id=house.sent()[0].position_id)

        answer = await house.bus.ask(catalogue.REQUEST_CHART, request)

    (wish,) = [one for one in house.bus.said(catalogue.CHART) if one.key == answer.chart_key]
    assert wish.until_s == START_MS // 1000 + 60


async def test_fifty_people_open_and_close_side_by_side(house: House) -> None:
    people = tuple(range(1, 51))
    async with house.room():
        await house.feed()
        await house.subscribe(*people)
        evaluation = asks.Evaluation(signal=a_signal(mode="manual"))

        async def judge(_request: asks.EvaluateNow) -> asks.Evaluation:
            return evaluation

        async with house.bus.answer(catalogue.EVALUATE, judge):
            answers = await asyncio.gather(*(house.ask_for_signal(one) for one in people))
        await house.deliver(*people)
        await house.tick(a_tick(1000, 4003.1))
        await house.closed(50)
        histories = await asyncio.gather(*(house.history(one) for one in people))

    assert all(answer.position_id for answer in answers)
    assert {history.pnl for history in histories} == {Decimal("3.00")}


async def test_readiness_tells_what_the_room_holds(house: House) -> None:
    async with house.room(tick_silence_s=0.05) as room:
        await house.opened(1)
        await until(lambda: room.watch.counts.live_positions == 1, "counts")
        await until(lambda: not room.checks()["ticks"]().is_ready, "silence")

        checks = {name: check() for name, check in room.checks().items()}

    assert checks["positions"].facts == {
        "live": 1, "subscribers": 1, "followed": {"XAUUSD": 1}, "ticks_read": {"XAUUSD": 1},
        "exits_to_store": {"XAUUSD": 0},
    }  # fmt: skip
    assert checks["ticks"].reason == "no tick of XAUUSD though its feed is live"
    assert (checks["bus"].is_ready, checks["database"].is_ready) == (True, True)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgresql://u:secret@h/n", "OPERATOR_IDS": "1, 2", "ALLOWED_IDS": "3", "SYMBOLS": "XAUUSD",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SINYAL_POSITIONS_{name}", value)

    settings = load("positions", PositionsSettings)

    assert (settings.operator_ids, settings.allowed_ids) == (frozenset({1, 2}), frozenset({3}))
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("written", ["1,2", " 1 , 2 ,", "[1, 2]", '["1", "2"]'])
def test_a_list_is_written_with_commas_or_as_json(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("SINYAL_POSITIONS_DATABASE_URL", "postgresql://h/n")
    monkeypatch.setenv("SINYAL_POSITIONS_OPERATOR_IDS", written)

    assert load("positions", PositionsSettings).operator_ids == frozenset({1, 2})


@pytest.mark.parametrize(
    ("name", "value"),
    [("SYMBOLS", '["XAUUSD"'), ("SYMBOLS", "XAUUSD,NOPE"), ("ACCESS", "everybody"), ("DEFAULT_TIME_ZONE", "Mars/Base"),
     ("DEFAULT_LANGUAGE", "de"), ("OPERATOR_IDS", "me"), ("DEFAULT_LOTS", "2"), ("POOL_SIZE", "1")],
)  # fmt: skip
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("SINYAL_POSITIONS_DATABASE_URL", "postgresql://h/n")
    monkeypatch.setenv(f"SINYAL_POSITIONS_{name}", value)

    with pytest.raises(StartError, match=f"SINYAL_POSITIONS_{name}"):
        load("positions", PositionsSettings)


async def _close_many(house: House, exits: list[float]) -> None:
    """Close the open position at the first price, then open and close another for each further one."""
    for number, bid in enumerate(exits):
        if number:
            await house.raise_signal(a_signal(10 * number))
            await house.settle(a_delivery(await house.sent_to(1, count=number + 1)))
            await house.followed(1)
        await house.tick(a_tick(600_000 * number + 1000, bid))
        await house.closed(number + 1)


@pytest.mark.parametrize("page", [10**6, 2**62])
async def test_a_page_far_behind_the_last_is_the_last(house: House, page: int) -> None:
    async with house.room():
        await house.subscribe(1)

        history = await house.history(1, page=page)

    assert (history.page, history.trades) == (0, ())


async def test_the_last_signal_of_one_is_found_without_reading_those_of_all(house: House) -> None:
    async with house.pool.connection() as connection:
        await connection.execute("set local enable_seqscan = off")
        plan = await (await connection.execute(f"explain {_LAST_STORY}".encode(), (1,))).fetchall()

    assert any("position_told" in line for (line,) in plan)
