"""Puts the positions room together: the only file that knows every part."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import structlog

from chassis.breaker import Breaker
from chassis.bus import Bus, Stored
from chassis.clock import Clock
from chassis.consume import consume
from chassis.database import Pool, open_pool
from chassis.health import Check
from chassis.lifecycle import Stage
from chassis.nats_bus import connect
from chassis.outbox import Relay
from contracts import catalogue
from contracts.messages import FeedState, SignalRaised
from services.positions.adapters.postgres_lease import PostgresLeases
from services.positions.adapters.postgres_store import SCHEMA, PostgresStore, require_tables
from services.positions.domain.gates import GateRules
from services.positions.domain.instrument import Instrument, find_instrument
from services.positions.domain.levels import Standing
from services.positions.domain.subscriber import AccessRule
from services.positions.handlers.answers import Answers
from services.positions.handlers.ending import Ending
from services.positions.handlers.erasing import Erasing
from services.positions.handlers.exporting import Exporting
from services.positions.handlers.ground import Ground
from services.positions.handlers.housekeeping import EVERY_S, Housekeeping
from services.positions.handlers.jobs import Job, JobRunner
from services.positions.handlers.market import Market
from services.positions.handlers.patience import held
from services.positions.handlers.pausing import Pausing
from services.positions.handlers.people import Newcomer, People
from services.positions.handlers.proposing import Proposing
from services.positions.handlers.reception import LIMIT_S, Reception
from services.positions.handlers.requesting import EVALUATION_S, Requesting
from services.positions.handlers.statistics import Statistics
from services.positions.handlers.summaries import DailySummary
from services.positions.handlers.sweep import Sweep
from services.positions.handlers.tenure import TickFollowing
from services.positions.handlers.watch import Watch
from services.positions.settings import PositionsSettings

URL_SETTING = "SINYAL_POSITIONS_DATABASE_URL"
DELIVERIES_AT_ONCE = 4
SUMMARY_EVERY_S = 60.0
"""How soon after the end of a day it is looked for."""

logger = structlog.get_logger()


class PositionsRoom:
    """The room on a bus and a pool that are open; `run` serves until it is cancelled."""

    def __init__(self, bus: Bus, pool: Pool, clock: Clock, settings: PositionsSettings) -> None:
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._relay = Relay(pool, bus, schema=SCHEMA)
        url = settings.database_url.get_secret_value()
        self.breaker = Breaker(url, name="positions", clock=clock)
        leases = PostgresLeases(url)
        access = AccessRule(
            access=settings.access, operator_ids=settings.operator_ids, allowed_ids=settings.allowed_ids
        )
        rules = GateRules(
            cooldown_s=settings.cooldown_s, same_side_s=settings.same_side_s, same_side_pips=settings.same_side_pips
        )
        self.market = Market(clock, settings.feed_silence_s)
        ground = Ground(
            store=PostgresStore(pool, self.breaker),
            bus=bus,
            clock=clock,
            market=self.market,
            rules=rules,
            access=access,
            plans=settings.plan_rule,
            instruments={symbol: _instrument(symbol, settings) for symbol in settings.symbols},
        )
        self.watch = Watch(ground)
        newcomer = _newcomer(settings)
        self.ending = Ending(ground, Pausing(ground, newcomer))
        self.proposing = Proposing(ground)
        self.people = People(ground, newcomer)
        self.answers = Answers(ground, self.people, self._standing)
        self.statistics = Statistics(ground, self.people)
        self.erasing = Erasing(ground, self.ending, _erasure_key(settings))
        self.exporting = Exporting(ground, self.people)
        self.requesting = Requesting(ground, self.people, self.proposing)
        self.sweep = Sweep(ground, self.ending, self.watch, settings.settle_grace_s)
        self.jobs = [JobRunner(ground, job) for job in self._jobs(ground, settings)]
        self.following = [
            TickFollowing(instrument, ground, leases, self.ending) for instrument in ground.instruments.values()
        ]

    def _jobs(self, ground: Ground, settings: PositionsSettings) -> tuple[Job, ...]:
        """List the scheduled work: the sweep ten times in a grace."""
        housekeeping = Housekeeping(ground, settings.archive_after_days)
        return (
            Job("sweep", settings.settle_grace_s / 10, self.sweep.sweep),
            Job("forget", EVERY_S, housekeeping.forget),
            Job("archive", EVERY_S, housekeeping.put_away),
            Job("daily_summary", SUMMARY_EVERY_S, DailySummary(ground).tell),
        )

    def checks(self) -> dict[str, Callable[[], Check]]:
        """List the readiness checks by name."""
        return {
            "bus": self._check_bus,
            "database": self._check_database,
            "ticks": self._check_ticks,
            "positions": self._check_positions,
        }

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Learn the feeds, then hear signals, deliveries and ticks and answer questions, for ever; `ready` is set in
        between.
        """
        await self.watch.prime(self._settings.symbols)
        async with AsyncExitStack() as questions, asyncio.TaskGroup() as group:
            await self._answer(questions)
            for follower in self.following:
                group.create_task(follower.run())
            for work in (
                self.breaker.run,
                self._relay.run,
                self.watch.hear_feeds,
                self.watch.hear_quotes,
                self.watch.ping,
                *(job.run for job in self.jobs),
            ):
                group.create_task(work())
            group.create_task(self._hear_signals())
            group.create_task(self._hear_deliveries())
            if ready is not None:
                ready.set()

    async def _answer(self, questions: AsyncExitStack) -> None:
        bus, people, answers = self._bus, self.people, self.answers
        at_once = max(1, self._settings.pool_size // 2)  # the rest is for signals, deliveries and ticks
        taking = Reception(self.breaker, at_once=at_once).taking
        thinking = Reception(self.breaker, at_once=at_once, limit_s=EVALUATION_S + LIMIT_S).taking
        for context in (
            bus.answer(catalogue.REGISTER, taking(people.register)),
            bus.answer(catalogue.SUBSCRIBER, taking(people.subscriber)),
            bus.answer(catalogue.SET_LANGUAGE, taking(people.set_language)),
            bus.answer(catalogue.SET_AUTO, taking(people.set_auto)),
            bus.answer(catalogue.SETTINGS, taking(people.settings)),
            bus.answer(catalogue.CHANGE_SETTING, taking(people.change_setting)),
            bus.answer(catalogue.DEACTIVATE, taking(people.deactivate)),
            bus.answer(catalogue.ERASE, taking(self.erasing.erase)),
            bus.answer(catalogue.EXPORT, taking(self.exporting.export)),
            bus.answer(catalogue.REQUEST_SIGNAL, thinking(self.requesting.request_signal)),
            bus.answer(catalogue.STATUS, taking(answers.status)),
            bus.answer(catalogue.HISTORY, taking(answers.history)),
            bus.answer(catalogue.WHY, taking(answers.why)),
            bus.answer(catalogue.STATISTICS, taking(self.statistics.of_subscriber)),
            bus.answer(catalogue.RECORD, taking(self.statistics.record)),
            bus.answer(catalogue.SYSTEM_STATISTICS, taking(self.statistics.of_system)),
            bus.answer(catalogue.REQUEST_CHART, taking(answers.request_chart)),
        ):
            await questions.enter_async_context(context)

    async def _hear_signals(self) -> None:
        consumer, topic = catalogue.POSITIONS_SIGNALS, catalogue.SIGNAL
        routes = {topic: held(consumer, topic, self._on_signal)}
        await consume(self._bus, consumer, routes, clock=self._clock)

    async def _on_signal(self, signal: SignalRaised, stored: Stored) -> None:
        """Hand a signal out, behind the exits of earlier ticks: after an outage both wait for the database."""
        for one in self.following:
            if one.symbol == signal.symbol:
                await one.exits_stored()
        await self.proposing.on_signal(signal, stored)

    async def _hear_deliveries(self) -> None:
        consumer, topic = catalogue.POSITIONS_DELIVERIES, catalogue.DELIVERY
        routes = {topic: held(consumer, topic, self.ending.on_delivery)}
        await consume(self._bus, consumer, routes, clock=self._clock, concurrency=DELIVERIES_AT_ONCE)

    def _standing(self, symbol: str, position_id: str) -> Standing | None:
        """Look where the stop of a position is this moment; None where another copy follows it."""
        followers = (one.follower for one in self.following if one.symbol == symbol)
        follower = next(followers, None)
        return None if follower is None else follower.standing(position_id)

    # --- readiness ----------------------------------------------------------------------------------------------------

    def _check_bus(self) -> Check:
        return Check(self._bus.is_connected, "" if self._bus.is_connected else "the broker cannot be reached")

    def _check_database(self) -> Check:
        facts = {"breaker_open": self.breaker.is_open}
        if self.breaker.is_open or not self.watch.is_database_up:
            return Check(False, "the database does not answer: work waits in the broker", facts)
        if self.breaker.is_full:
            return Check(False, "the disk of the database is full: it can be read, what is new waits", facts)
        return Check(True, facts=facts)

    def _check_ticks(self) -> Check:
        ages = {one.symbol: self._tick_age_s(one) for one in self.following}
        silent = [
            symbol
            for symbol, age_s in ages.items()
            if isinstance(age_s, float)
            and age_s > self._settings.tick_silence_s
            and (self.market.feed(symbol) is FeedState.LIVE or self.market.is_silent(symbol))
        ]
        reason = f"no tick of {', '.join(silent)} though its feed is live" if silent else ""
        return Check(not silent, reason, {"age_s": ages})

    def _tick_age_s(self, one: TickFollowing) -> float | str:
        if one.follower is None:
            return "followed by another copy"
        last_s = one.follower.last_tick_s
        return "none yet" if last_s is None else round(self._clock.monotonic() - last_s, 1)

    def _check_positions(self) -> Check:
        followers = {one.symbol: one.follower for one in self.following}
        return Check(
            True,
            facts={
                "live": self.watch.counts.live_positions,
                "subscribers": self.watch.counts.subscribers,
                "followed": {symbol: one.open_count for symbol, one in followers.items() if one},
                "ticks_read": {symbol: one.read_sequence for symbol, one in followers.items() if one},
                "exits_to_store": {symbol: one.exit_count for symbol, one in followers.items() if one},
            },
        )


def _instrument(symbol: str, settings: PositionsSettings) -> Instrument:
    instrument = find_instrument(symbol)
    if settings.max_spread_pips is None:
        return instrument
    return replace(instrument, max_spread_pips=settings.max_spread_pips)


def _erasure_key(settings: PositionsSettings) -> bytes | None:
    return None if settings.erasure_key is None else settings.erasure_key.get_secret_value().encode()


def _newcomer(settings: PositionsSettings) -> Newcomer:
    return Newcomer(
        language=settings.default_language, time_zone=settings.default_time_zone, lots=settings.default_lots
    )


async def main(settings: PositionsSettings, stage: Stage) -> None:
    """Serve until `stage.stop` is set. What is in hand then is redelivered, or worked out again from the mark."""
    url = settings.database_url.get_secret_value()
    seed = settings.nats_seed.get_secret_value() if settings.nats_seed else None
    async with (
        open_pool(
            url, name="positions", setting=URL_SETTING, schema=SCHEMA, max_size=settings.pool_size,
            wait_s=settings.database_wait_s,
        ) as pool,
        connect(settings.nats_url, name="positions", seed=seed) as bus,
    ):  # fmt: skip
        await require_tables(pool, URL_SETTING)
        room = PositionsRoom(bus, pool, stage.clock, settings)
        for name, check in room.checks().items():
            stage.health.add(name, check)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(room.run())
            await stage.stop.wait()
            work.cancel()
