"""`sinyal streams`: the broker's streams, consumers and buckets, from the catalogue."""

import asyncio

import msgspec
import typer

from chassis import streams as catalogue_streams
from chassis.errors import RejectedError, StartError, TransientError
from chassis.nats_bus import connect
from chassis.settings import find
from chassis.streams import Change

NATS_URL = "nats://127.0.0.1:4222"

streams = typer.Typer(add_completion=False, help="The broker's streams, consumers and buckets.")


@streams.callback()
def group() -> None:
    """The broker's streams, consumers and buckets."""


@streams.command()
def apply(
    nats_url: str | None = typer.Option(None, help=f"The broker; without it SINYAL_NATS_URL, else {NATS_URL}."),
    nats_seed: str | None = typer.Option(None, help="nkey seed of the provisioner; without it SINYAL_NATS_SEED."),
    wait: float = typer.Option(5.0, help="Seconds to wait for the broker."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Create or update everything the catalogue names; running it again changes nothing.

    The variables may stand in the environment or in `.env`.
    """
    url, seed = (
        nats_url or find("SINYAL_NATS_URL") or NATS_URL,
        nats_seed or find("SINYAL_PROVISIONER_NATS_SEED", "SINYAL_NATS_SEED"),
    )
    try:
        changes = asyncio.run(_apply(url, seed, wait))
    except (RejectedError, TransientError) as e:
        raise StartError(str(e)) from e
    if as_json:
        print(msgspec.json.encode(changes).decode())
        return
    for change in changes:
        print(f"{change.outcome:<10} {change.kind:<9} {change.name}")


async def _apply(nats_url: str, nats_seed: str | None, wait_s: float) -> list[Change]:
    async with connect(nats_url, name="provisioner", seed=nats_seed, wait_s=wait_s) as bus:
        return await catalogue_streams.apply(bus)
