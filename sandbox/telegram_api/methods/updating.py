"""How updates reach the bot: the long poll, and the webhook."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.errors import conflict, flood
from sandbox.telegram_api.webhook import Target
from sandbox.telegram_api.webhook_address import check_address, check_secret
from sandbox.telegram_api.world import World

Json = dict[str, Any]

MOST_UPDATES = 100
DEFAULT_CONNECTIONS = 40


@dataclass(frozen=True, slots=True)
class Described:
    """A result with the `description` that some methods add."""

    result: bool
    description: str


async def get_updates(world: World, call: Call) -> list[Json]:
    """Confirm and fetch updates; waits up to `timeout` seconds for the first."""
    if world.webhook.target is not None:
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    _read_allowed(world, call)
    limit = min(max(call.integer("limit", MOST_UPDATES), 1), MOST_UPDATES)
    timeout_s = min(max(call.integer("timeout"), 0), world.settings.longest_poll_s)
    return await world.updates.poll(call.integer("offset"), limit, timeout_s)


async def set_webhook(world: World, call: Call) -> Described:
    """Push updates to an address from now on; a running poll is ended."""
    url, secret = call.text("url"), call.text("secret_token")
    if not url:
        return await delete_webhook(world, call)
    check_secret(secret)
    _hold_back_haste(world)
    await check_address(url)
    _read_allowed(world, call)
    if call.boolean("drop_pending_updates"):
        world.updates.drop_all()
    connections = min(max(call.integer("max_connections", DEFAULT_CONNECTIONS), 1), 100)
    before = world.webhook.target
    if before is not None and (before.url, before.secret, before.max_connections) == (url, secret, connections):
        return Described(True, "Webhook is already set")
    world.updates.terminate_poll(conflict("terminated by setWebhook request"))
    world.webhook.set(Target(url, secret, connections, asyncio.Semaphore(connections)))
    return Described(True, "Webhook was set")


async def delete_webhook(world: World, call: Call) -> Described:
    """Stop pushing; pending updates wait for getUpdates unless they are to be dropped."""
    if call.boolean("drop_pending_updates"):
        world.updates.drop_all()
    if world.webhook.target is None:
        return Described(True, "Webhook is already deleted")
    world.webhook.clear()
    return Described(True, "Webhook was deleted")


async def get_webhook_info(world: World, call: Call) -> Json:  # noqa: ARG001 - every method has one shape
    """Return where updates are pushed and what went wrong last."""
    target, error = world.webhook.target, world.webhook.last_error
    info: Json = {
        "url": "" if target is None else target.url,
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.pending),
    }
    if target is not None:
        info["max_connections"] = target.max_connections
    if error is not None:
        info |= {"last_error_date": error[0], "last_error_message": error[1]}
    if world.updates.allowed:
        info["allowed_updates"] = list(world.updates.allowed)
    return info


def _read_allowed(world: World, call: Call) -> None:
    """Remember which kinds the bot wants; a call that does not say keeps the last choice."""
    allowed = call.structure("allowed_updates", "allowed updates")
    if isinstance(allowed, list):
        world.updates.allowed = tuple(str(one) for one in allowed)


def _hold_back_haste(world: World) -> None:
    """Refuse the second setWebhook within a second."""
    limits, now = world.settings.limits, time.monotonic()
    is_hasty = now - world.webhook.set_at < limits.webhook_interval_s
    if limits.enabled and is_hasty:
        raise flood(1)
    world.webhook.set_at = now
