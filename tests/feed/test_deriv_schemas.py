"""Every request the adapter makes is one that the published schemas of its dialect allow."""

import json
from datetime import date

import jsonschema
import pytest

from services.feed.adapters.deriv_dialects import DIALECTS
from tests.feed.scripted_venue import error, scripted, tick
from tests.feed.test_deriv_venue import NOON_S, SYMBOLS, history_of, talking
from tests.shared import shared_path

FILES = {"new": "schemas/deriv/{}_request.schema.json", "legacy": "schemas/deriv_legacy/{}.send.json"}


@pytest.mark.parametrize("name", ["new", "legacy"])
async def test_every_request_is_valid(name) -> None:
    dialect = DIALECTS[name]
    refusals = iter([error("AlreadySubscribed")])
    answers = {
        "active_symbols": lambda _: {"active_symbols": [{dialect.symbol_key: "frxXAUUSD"}]},
        "trading_times": lambda _: {"trading_times": {"markets": []}},
        "ticks_history": history_of(list(range(NOON_S - 6000, NOON_S, 60)), page=20),
        "ticks": lambda _: next(refusals, None) or tick(NOON_S),
        "forget_all": lambda _: {"forget_all": []},
    }
    async with scripted(answers) as venue, talking(venue, dialect, SYMBOLS) as (session, _):
        await session.check()
        await session.market_ms()
        await session.ping()
        await session.hours(date(2026, 1, 5))
        await session.history_bars("XAUUSD", from_s=0, count=50)
        await session.history_bars("XAUUSD", from_s=NOON_S - 600, count=50)
        await session.history_quotes("XAUUSD", from_ms=(NOON_S - 3000) * 1000)
        await session.subscribe("XAUUSD")

    asked = {next(call for call in answers | {"time": 0, "ping": 0} if call in request) for request in venue.asked}
    assert asked == {*answers, "time", "ping"}
    for request in venue.asked:
        call = next(call for call in asked if call in request)
        schema = json.loads(shared_path(FILES[name].format(call)).read_text())
        jsonschema.Draft4Validator(schema).validate(request)
