"""`sinyal streams`: the broker's streams, consumers and buckets, from the catalogue."""

import asyncio
import json

import typer

from chassis.streams import apply_streams

streams = typer.Typer(help="The broker's streams, consumers and buckets.", no_args_is_help=True)


@streams.callback()
def group() -> None:
    """The broker's streams, consumers and buckets."""


@streams.command()
def apply(
    nats_url: str = typer.Option("nats://127.0.0.1:4222", envvar="SINYAL_NATS_URL", help="The broker."),
    nats_seed: str | None = typer.Option(None, envvar="SINYAL_NATS_SEED", help="nkey seed of the provisioner."),
    wait: float = typer.Option(5.0, help="Seconds to wait for the broker."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Create or update everything the catalogue names; running it again changes nothing."""
    changes = asyncio.run(apply_streams(nats_url, seed=nats_seed, wait_s=wait))
    if as_json:
        print(json.dumps([{"kind": c.kind, "name": c.name, "change": c.change} for c in changes]))
        return
    for change in changes:
        print(f"{change.change:<10} {change.kind:<9} {change.name}")
