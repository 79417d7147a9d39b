"""`sinyal dlq`: the dead letters, found by filters, read, sent again, dropped."""

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from chassis import dead_letter_office as office
from chassis.bus import Bus
from chassis.dead_letter_office import Done, Letter, Wanted
from chassis.errors import StartError, TransientError
from chassis.nats_bus import NatsBus, connect
from chassis.settings import find
from cli.outputs import INTERRUPTED

NATS_URL = "nats://127.0.0.1:4222"
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGE = re.compile(r"([0-9]{1,6})([smhd])")

dlq = typer.Typer(add_completion=False, help="The dead letters: messages that could not be handled.")

Numbers = typer.Argument(None, help="Numbers of letters, as `list` shows them.", metavar="[NUMBER]...", min=1)
ConsumerOption = typer.Option(None, "--consumer", help="Only those of one consumer: telegram-sends.")
RoomOption = typer.Option(None, "--room", help="Only those of one room: telegram.")
ReasonOption = typer.Option(None, "--reason", help="Only those whose reason holds this text.")
SubjectOption = typer.Option(None, "--subject", help="Only those of subjects like this: 'send.v1.*.signal.*'.")
OlderOption = typer.Option(None, "--older-than", help="Only those that died so long ago or longer: 90s, 10m, 2h, 3d.")
YoungerOption = typer.Option(None, "--younger-than", help="Only those that died within this time.")
AllOption = typer.Option(False, "--all", help="Every letter, where no other filter is given.")
DryRunOption = typer.Option(False, "--dry-run", help="Say what would be done, and do nothing.")
JsonOption = typer.Option(False, "--json", help="Print JSON.")
UrlOption = typer.Option(None, "--nats-url", help=f"The broker; without it SINYAL_NATS_URL, else {NATS_URL}.")
SeedOption = typer.Option(None, "--nats-seed", help="nkey seed of an operator; without it SINYAL_NATS_SEED.")


@dlq.callback()
def group() -> None:
    """The dead letters: messages that could not be handled."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


@dlq.command("list")
def list_(
    consumer: str | None = ConsumerOption,
    room: str | None = RoomOption,
    reason: str | None = ReasonOption,
    subject: str | None = SubjectOption,
    older_than: str | None = OlderOption,
    younger_than: str | None = YoungerOption,
    as_json: bool = JsonOption,
    nats_url: str | None = UrlOption,
    nats_seed: str | None = SeedOption,
) -> None:
    """List letters, oldest first, and count them by reason."""
    wanted = _wanted([], consumer, room, reason, subject, older_than, younger_than)
    found = _run(_find(wanted, nats_url, nats_seed))
    if as_json:
        print(json.dumps([_facts(letter) for letter in found]))
        return
    for letter in found:
        print(_line(letter))
    for (name, why), count in office.tally(found).items():
        print(f"{count:>8} {name}: {why}")
    if not found:
        print("no dead letters")
    elif len(found) == office.MOST:
        print(f"the newest {office.MOST}; there may be more")


@dlq.command()
def show(
    number: int = typer.Argument(..., help="The letter, as `list` numbers it.", min=1),
    as_json: bool = JsonOption,
    nats_url: str | None = UrlOption,
    nats_seed: str | None = SeedOption,
) -> None:
    """Show one letter whole: its history, its headers, its body."""

    async def look() -> Letter | None:
        async with _broker(nats_url, nats_seed) as bus:
            return await office.open_letter(bus, number)

    letter = _run(look())
    if letter is None:
        raise StartError(f"{number}: no such letter (see sinyal dlq list)")
    text = "\n".join(office.readable(letter.body.payload))
    facts = {**_facts(letter), "headers": letter.body.headers, "payload": text}
    print(json.dumps(facts) if as_json else "\n".join(f"{name:<9} {value}" for name, value in facts.items()))


@dlq.command()
def redrive(
    numbers: list[int] | None = Numbers,
    consumer: str | None = ConsumerOption,
    room: str | None = RoomOption,
    reason: str | None = ReasonOption,
    subject: str | None = SubjectOption,
    older_than: str | None = OlderOption,
    younger_than: str | None = YoungerOption,
    everything: bool = AllOption,
    dry_run: bool = DryRunOption,
    as_json: bool = JsonOption,
    nats_url: str | None = UrlOption,
    nats_seed: str | None = SeedOption,
) -> None:
    """Send letters again, each to its own subject, oldest first. One that fails again is back with its history."""
    wanted = _wanted(numbers or [], consumer, room, reason, subject, older_than, younger_than)
    _settle("redrive", office.send_again, _chosen(wanted, everything), dry_run, as_json, (nats_url, nats_seed))


@dlq.command()
def drop(
    numbers: list[int] | None = Numbers,
    consumer: str | None = ConsumerOption,
    room: str | None = RoomOption,
    reason: str | None = ReasonOption,
    subject: str | None = SubjectOption,
    older_than: str | None = OlderOption,
    younger_than: str | None = YoungerOption,
    everything: bool = AllOption,
    dry_run: bool = DryRunOption,
    as_json: bool = JsonOption,
    nats_url: str | None = UrlOption,
    nats_seed: str | None = SeedOption,
) -> None:
    """Delete letters for good."""
    wanted = _wanted(numbers or [], consumer, room, reason, subject, older_than, younger_than)
    _settle("drop", office.drop, _chosen(wanted, everything), dry_run, as_json, (nats_url, nats_seed))


Settle = Callable[[Bus, Letter], Awaitable[Done]]


def _settle(
    verb: str, settle: Settle, wanted: Wanted, dry_run: bool, as_json: bool, broker: tuple[str | None, str | None]
) -> None:
    """Settle what is wanted, one by one, and report; exit status 1 where a letter stays, 130 after Ctrl-C."""
    report: list[Done] = []
    try:
        found = _run(_find(wanted, *broker) if dry_run else _settle_all(verb, settle, wanted, report, broker))
    except KeyboardInterrupt:
        print(_outcome(verb, report, None, dry_run, as_json))
        raise typer.Exit(INTERRUPTED) from None
    print(_outcome(verb, report, found, dry_run, as_json))
    missing = sorted(wanted.numbers - {letter.number for letter in found})
    for number in missing:
        sys.stderr.write(f"sinyal: {number}: no such letter, or not one of those that the filters want\n")
    if missing or any(done.error for done in report):
        raise typer.Exit(1)


async def _settle_all(
    verb: str, settle: Settle, wanted: Wanted, report: list[Done], broker: tuple[str | None, str | None]
) -> list[Letter]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    async with _broker(*broker) as bus:
        letters = await office.find(bus, wanted, datetime.now(UTC))
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            for letter in progress.track(letters, description=verb):
                report.append(await settle(bus, letter))  # noqa: PERF401  # what is done counts when it is cut short
    return letters


async def _find(wanted: Wanted, nats_url: str | None, nats_seed: str | None) -> list[Letter]:
    async with _broker(nats_url, nats_seed) as bus:
        return await office.find(bus, wanted, datetime.now(UTC))


def _broker(nats_url: str | None, nats_seed: str | None) -> AbstractAsyncContextManager[NatsBus]:
    url, seed = (
        nats_url or find("SINYAL_NATS_URL") or NATS_URL,
        nats_seed or find("SINYAL_OPERATOR_NATS_SEED", "SINYAL_NATS_SEED"),
    )
    return connect(url, name="operator", seed=seed)


def _run(work: Any) -> Any:
    try:
        return asyncio.run(work)
    except TransientError as e:
        raise StartError(str(e)) from e


def _wanted(
    numbers: Sequence[int],
    consumer: str | None,
    room: str | None,
    reason: str | None,
    subject: str | None,
    older_than: str | None,
    younger_than: str | None,
) -> Wanted:
    return Wanted(
        numbers=frozenset(numbers),
        consumer=consumer,
        room=room,
        reason=reason,
        subject=subject,
        older_than=_age("--older-than", older_than),
        younger_than=_age("--younger-than", younger_than),
    )


def _chosen(wanted: Wanted, everything: bool) -> Wanted:
    if wanted.is_everything and not everything:
        raise StartError("which letters? give numbers, a filter, or --all")
    return wanted


def _age(option: str, text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = _AGE.fullmatch(text)
    if found is None:
        raise StartError(f"{option} {text}: a number with s, m, h or d would be right, such as 90s or 2h")
    return timedelta(seconds=int(found[1]) * _UNITS_S[found[2]])


def _facts(letter: Letter) -> dict[str, Any]:
    body = letter.body
    return {
        "number": letter.number,
        "room": letter.room,
        "consumer": body.consumer,
        "topic": body.topic,
        "subject": body.subject,
        "reason": body.reason,
        "attempts": body.attempts,
        "redrives": body.redrives,
        "first_at": body.first_at.isoformat(),
        "last_at": body.at.isoformat(),
        "bytes": len(body.payload),
    }


def _line(letter: Letter) -> str:
    body = letter.body
    tried = f"{body.attempts}x" + (f", {body.redrives} redrives" if body.redrives else "")
    return (
        f"{letter.number:>8} {body.at:%Y-%m-%d %H:%M:%S} {body.consumer} {body.subject} ({tried}) {body.reason[:120]}"
    )


def _outcome(verb: str, report: Sequence[Done], found: Sequence[Letter] | None, dry_run: bool, as_json: bool) -> str:
    failed = [done for done in report if done.error]
    if as_json:
        return json.dumps(
            {
                "verb": verb,
                "dry_run": dry_run,
                "matched": None if found is None else [letter.number for letter in found],
                "done": [done.letter.number for done in report if not done.error],
                "failed": [{"number": done.letter.number, "error": done.error} for done in failed],
            }
        )
    if dry_run:
        return "\n".join((*map(_line, found or ()), f"{len(found or ())} letters would be {_PAST[verb]}"))
    broken_off = "" if found is not None else ", then interrupted"
    complaints = [f"{done.letter.number:>8} stays: {done.error}" for done in failed]
    return "\n".join((*complaints, f"{len(report) - len(failed)} letters {_PAST[verb]}{broken_off}"))


_PAST = {"redrive": "sent again", "drop": "dropped"}
