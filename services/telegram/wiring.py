"""Puts the gateway together: which broker, which database, which Bot API."""

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiogram import Bot

from chassis.breaker import Breaker
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.database import Pool, open_pool
from chassis.dead_letters import collect
from chassis.health import Check
from chassis.lifecycle import Stage
from chassis.nats_bus import connect
from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot
from services.telegram.adapters.aiogram_dialogue import AiogramDialogue
from services.telegram.adapters.aiohttp_endpoint import Endpoint, open_endpoint
from services.telegram.adapters.aiohttp_updates import AiohttpUpdates, open_updates
from services.telegram.adapters.babel_catalogue import load_catalogue
from services.telegram.adapters.postgres_channels import PostgresChannels
from services.telegram.adapters.postgres_dashboards import PostgresDashboards
from services.telegram.adapters.postgres_deliveries import PostgresDeliveries
from services.telegram.adapters.postgres_forgotten import PostgresForgotten
from services.telegram.domain.pictures import PictureRoom
from services.telegram.domain.words import Catalogue
from services.telegram.handlers import chores
from services.telegram.handlers.abandoned import Abandoned
from services.telegram.handlers.announcer import Announcer
from services.telegram.handlers.channels import Publishing
from services.telegram.handlers.conversation import Conversation
from services.telegram.handlers.courier import Courier
from services.telegram.handlers.dashboards import Updater
from services.telegram.handlers.desk import Desk
from services.telegram.handlers.discreet import DiscreetCourier
from services.telegram.handlers.gallery import Gallery
from services.telegram.handlers.letters import Policy, Writer
from services.telegram.handlers.opening import Opening
from services.telegram.handlers.operators import FeedWatch
from services.telegram.handlers.receiver import Hook, Receiver
from services.telegram.handlers.regrets import Regrets
from services.telegram.handlers.sender import Sender
from services.telegram.handlers.turnstile import Turnstile
from services.telegram.handlers.updates import UpdateWorker
from services.telegram.ports import Chat, Deliveries, Forgotten
from services.telegram.settings import TelegramSettings

WEBHOOK_SETTING = "SINYAL_TELEGRAM_WEBHOOK_PORT"
DATABASE_SETTING = "SINYAL_TELEGRAM_DATABASE_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What is open while the gateway runs: the broker, the database with its breaker, the Bot API both ways."""

    bus: Bus
    pool: Pool
    breaker: Breaker
    bot: Bot
    source: AiohttpUpdates


async def main(settings: TelegramSettings, stage: Stage) -> None:
    """Run the gateway until it is asked to stop, then let the calls under way end."""
    words = load_catalogue()
    clock, token = stage.clock, settings.token.get_secret_value()
    async with AsyncExitStack() as opened:
        edge = await open_edge(settings, clock, opened)
        bus, breaker, chat = edge.bus, edge.breaker, AiogramChat(edge.bot)
        deliveries, dashboards = PostgresDeliveries(edge.pool, breaker), PostgresDashboards(edge.pool, breaker)
        forgotten = PostgresForgotten(edge.pool, token, breaker)
        turnstile = Turnstile(settings.limits, clock)
        sender, courier = build_sender(settings, bus, chat, deliveries, forgotten, words, clock, turnstile)
        regrets = Regrets(breaker, turnstile, chat, words)
        hook = Hook(edge.source, settings.webhook_url, settings.webhook_word, settings.webhook_retry_s)
        receiver = Receiver(bus, edge.source, clock, hook, regrets.heard)
        if settings.webhook_url:
            await opened.enter_async_context(listen(settings, receiver))
        symbol, operators = settings.symbol, settings.operator_ids
        desk = Desk(bus, dashboards, forgotten, words, clock, symbol, operators, picture_key=token.encode())
        worker = UpdateWorker(bus, AiogramDialogue(edge.bot, Conversation(desk, chat)), clock, breaker)
        kept = PostgresChannels(edge.pool, breaker)
        publishing = Publishing(bus, kept, clock, settings.channel_ids, settings.channel_language)
        add_checks(stage, bus, sender, receiver, breaker)
        stage.health.add("channels", lambda: Check(True, publishing.trouble, {"channels": len(settings.channel_ids)}))
        await live(
            stage.stop,
            (sender.run(stage.stop), receiver.run(stage.stop), worker.run(stage.stop)),
            (
                breaker.run(),
                regrets.run(),
                publishing.run(),
                FeedWatch(bus, clock, operators).run(),
                Updater(bus, dashboards, words, clock, settings.limits.per_second).run(),
                Opening(bus, dashboards, words, clock).run(),
                collect(bus, clock, Abandoned(courier, Announcer(bus, clock), breaker).mourn),
                chores.name_commands(chat, words, operators),
                chores.prune(deliveries, forgotten, settings.keep_days),
            ),
        )


async def open_edge(settings: TelegramSettings, clock: Clock, opened: AsyncExitStack) -> Edge:
    """Open what the gateway speaks to; `opened` closes it."""
    seed = settings.nats_seed.get_secret_value() if settings.nats_seed else None
    bus = await opened.enter_async_context(connect(settings.nats_url, name="telegram", seed=seed))
    url, token = settings.database_url.get_secret_value(), settings.token.get_secret_value()
    database = open_pool(
        url, name="telegram", setting=DATABASE_SETTING, max_size=settings.database_pool, schema="telegram"
    )
    pool = await opened.enter_async_context(database)
    connections = settings.in_flight + 8
    client = open_bot(token, settings.api_url, timeout_s=settings.call_timeout_s, connections=connections)
    bot = await opened.enter_async_context(client)
    source = await opened.enter_async_context(open_updates(token, settings.api_url, settings.poll_s))
    return Edge(bus=bus, pool=pool, breaker=Breaker(url, name="telegram", clock=clock), bot=bot, source=source)


async def live(
    stop: asyncio.Event, living: Iterable[Coroutine[None, None, None]], optional: Iterable[Coroutine[None, None, None]]
) -> None:
    """Run it all until `stop`. Then what is `living` ends by itself, and what is `optional` is cut off."""
    async with asyncio.TaskGroup() as tasks:
        for one in living:
            tasks.create_task(one)
        background = [tasks.create_task(one) for one in optional]
        await stop.wait()
        for task in background:
            task.cancel()


def listen(settings: TelegramSettings, receiver: Receiver) -> AbstractAsyncContextManager[int]:
    """Listen for pushes, whatever the receiver does now: one that comes late is stored like any other."""
    endpoint = Endpoint(settings.webhook_word, receiver.intake.take_pushed)
    path = urlsplit(settings.webhook_url).path
    return open_endpoint(settings.webhook_host, settings.webhook_port, path, endpoint, setting=WEBHOOK_SETTING)


def build_sender(  # noqa: PLR0913, PLR0917  # it puts parts together
    settings: TelegramSettings,
    bus: Bus,
    chat: Chat,
    deliveries: Deliveries,
    forgotten: Forgotten,
    words: Catalogue,
    clock: Clock,
    turnstile: Turnstile,
) -> tuple[Sender, Courier]:
    """Make the dispatcher, and what carries its sends."""
    pictures = PictureRoom()
    limits = settings.limits
    policy = Policy(is_protected=settings.protect_content, is_paid=limits.is_paid, silent=settings.silent)
    writer = Writer(bus, chat, deliveries, words, pictures, policy)
    courier = DiscreetCourier(writer, deliveries, pictures, settings.most_attempts, turnstile, forgotten=forgotten)
    gallery = Gallery(bus, deliveries, pictures, clock, settings.picture_wait_s)
    return Sender(bus, courier, Announcer(bus, clock), gallery, clock, settings.limits), courier


def add_checks(stage: Stage, bus: Bus, sender: Sender, receiver: Receiver, breaker: Breaker) -> None:
    """Say in /readyz what does not work, and how much waits."""

    def sending() -> Check:
        waiting = {kind.value: count for kind, count in sender.waiting().items() if count}
        figures = {"held": sender.held, "waiting": waiting}
        if sender.is_paid:
            figures["paid"] = {"stars": str(sender.stars), "stars_per_10000": str(sender.cost(10_000))}
        return Check(not sender.trouble, sender.trouble, figures)

    def receiving() -> Check:
        fallback = {"webhook": receiver.fallback} if receiver.fallback else {}
        return Check(not receiver.trouble, receiver.trouble, {"mode": receiver.mode.value, **fallback})

    stage.health.add("bus", lambda: Check(bus.is_connected, "" if bus.is_connected else "the broker is away"))
    stage.health.add("database", lambda: check_database(breaker))
    stage.health.add("sender", sending)
    stage.health.add("receiver", receiving)


def check_database(breaker: Breaker) -> Check:
    """Say whether rows can be read and written: without its row nothing is sent."""
    facts = {"breaker_open": breaker.is_open}
    if breaker.is_open:
        return Check(False, "the database does not answer: sends and commands wait", facts)
    if breaker.is_full:
        return Check(False, "the disk of the database is full: sends wait", facts)
    return Check(True, facts=facts)
