"""`sinyal feed record`: what the broker was told is on disk, once and in order, whatever moment it is killed at."""

import asyncio
import errno
import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chassis.nats_bus import connect
from cli import tape_writer
from cli.tape_writer import DAY_MS, RecordError, Row, TapeWriter
from contracts import catalogue, ids
from contracts.messages import Tick
from sandbox.exchange.tape import open_tape

ROOT = Path(__file__).resolve().parents[2]
DAY = 1_767_571_200_000  # 2026-01-05, midnight UTC
NOON = DAY + DAY_MS // 2


def row(sequence: int, epoch_ms: int | None = None, bid: float = 4000.0) -> Row:
    moment = NOON + sequence * 1000 if epoch_ms is None else epoch_ms
    return Row(sequence, moment, bid, bid + 0.3)


def recorded(folder: Path) -> list[tuple[int, float, float]]:
    """What a reader of the folder tape reads."""
    return [tuple(quote) for quote in open_tape(folder).quotes()]


def as_read(*rows: Row) -> list[tuple[int, float, float]]:
    return [item[1:] for item in rows]


def write(folder: Path, *rows: Row) -> list[bool]:
    with TapeWriter(folder) as tape:
        taken = [tape.add(item) for item in rows]
        tape.finish()
    return taken


def test_what_was_written_is_what_the_folder_tape_reads(tmp_path: Path) -> None:
    rows = [row(1), row(2, bid=4000.123), row(3, DAY + DAY_MS), row(4, DAY + 3 * DAY_MS + 7)]

    write(tmp_path, *rows)

    assert recorded(tmp_path) == as_read(*rows)
    assert [path.name for path in sorted(tmp_path.glob("*.zip"))] == [
        "20260105_quote.zip",
        "20260106_quote.zip",
        "20260108_quote.zip",
    ]


def test_a_second_writer_goes_on_behind_the_last_row(tmp_path: Path) -> None:
    write(tmp_path, row(1), row(2))

    with TapeWriter(tmp_path) as tape:
        found = tape.last
    taken = write(tmp_path, row(2), row(3))

    assert found == row(2)
    assert taken == [False, True]
    assert recorded(tmp_path) == as_read(row(1), row(2), row(3))


def test_two_quotes_of_one_millisecond_are_kept_and_an_older_one_is_not(tmp_path: Path) -> None:
    same = row(2, NOON + 1000, bid=4001.0)

    taken = write(tmp_path, row(1), same, row(3, NOON), row(4))

    assert taken == [True, True, False, True]
    assert recorded(tmp_path) == as_read(row(1), same, row(4))


@pytest.mark.parametrize("torn", [b"9,", b"9,43209000,40", b"9,43209000,4000.0,4000.3", b"\0\0\0\0", b"garbage\n"])
def test_a_torn_last_row_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    write(tmp_path, row(1), row(2))
    with (tmp_path / "20260105_quote.part").open("ab") as part:
        part.write(torn)

    write(tmp_path, row(3))

    assert recorded(tmp_path) == as_read(row(1), row(2), row(3))


def test_a_day_that_ended_while_nobody_wrote_is_finished_at_the_next_start(tmp_path: Path) -> None:
    with TapeWriter(tmp_path) as tape:
        tape.add(row(1))
        tape.flush()

    write(tmp_path, row(2, DAY + DAY_MS + 5))

    assert recorded(tmp_path) == as_read(row(1), row(2, DAY + DAY_MS + 5))
    assert [path.name for path in tmp_path.glob("*.part")] == ["20260106_quote.part"]


def test_a_kill_between_two_days_loses_neither(tmp_path: Path) -> None:
    with TapeWriter(tmp_path) as tape:
        tape.add(row(1))
        tape.add(row(2, DAY + DAY_MS))  # the new day's row is not on disk when the kill comes

    with TapeWriter(tmp_path) as again:
        assert again.last == row(1)
    write(tmp_path, row(2, DAY + DAY_MS))

    assert recorded(tmp_path) == as_read(row(1), row(2, DAY + DAY_MS))


def test_a_removed_part_is_made_again_from_its_day(tmp_path: Path) -> None:
    write(tmp_path, row(1), row(2))
    (tmp_path / "20260105_quote.part").unlink()

    taken = write(tmp_path, row(1), row(2), row(3))

    assert taken == [False, False, True]
    assert recorded(tmp_path) == as_read(row(1), row(2), row(3))


def test_only_one_writer_has_a_folder(tmp_path: Path) -> None:
    with TapeWriter(tmp_path), pytest.raises(RecordError, match="another recorder"):
        TapeWriter(tmp_path)


class FullDisk(io.FileIO):
    """A file on a disk with room for 40 more bytes."""

    room = 40

    def write(self, data) -> int:
        if not FullDisk.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = super().write(bytes(data)[: FullDisk.room])
        FullDisk.room -= taken
        return taken


def fill(tape: TapeWriter) -> None:
    for number in range(1, 10):
        tape.add(row(number))
    tape.flush()


def test_a_full_disk_is_one_clear_error_and_what_is_there_can_be_gone_on_with(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(FullDisk, "room", 40)
    with monkeypatch.context() as patched:
        patched.setattr(tape_writer, "FileIO", FullDisk)
        with TapeWriter(tmp_path) as tape, pytest.raises(RecordError, match=r"--folder .* the disk is full") as told:
            fill(tape)
    assert "\n" not in str(told.value)

    with TapeWriter(tmp_path) as again:
        last = again.last
    assert last == row(1)
    write(tmp_path, *map(row, range(2, 10)))
    assert recorded(tmp_path) == as_read(*map(row, range(1, 10)))


def a_tick(epoch_ms: int, symbol: str = "XAUUSD", bid: float = 4000.0) -> Tick:
    return Tick(
        id=ids.tick_id(symbol, epoch_ms, bid, bid + 0.3),
        at=datetime.now(UTC),
        symbol=symbol,
        epoch_ms=epoch_ms,
        bid=bid,
        ask=bid + 0.3,
    )


async def tell(url: str, *ticks: Tick) -> None:
    async with connect(url, name="test") as bus:
        for tick in ticks:
            await bus.publish(catalogue.TICK, tick, tick.symbol)


def recorder(url: str, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "cli", "feed", "record", "--nats-url", url, "--folder", str(folder), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_rows(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while sum(len(part.read_bytes().splitlines()) for part in folder.glob("*.part")) < count:
        assert time.monotonic() < deadline, "the recorder does not record"
        time.sleep(0.05)


def record_until(url: str, folder: Path, count: int) -> tuple[str, str]:
    """Record until so many rows are kept, then stop it as a user does; returns what it wrote."""
    process = recorder(url, folder, "--json")
    wait_for_rows(folder, count)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output, errors


@pytest.mark.real
def test_a_recording_for_some_seconds_ends_by_itself(nats: str, tmp_path: Path) -> None:
    timed = recorder(nats, tmp_path, "--seconds", "1", "--json")
    output, errors = timed.communicate(timeout=60)

    assert timed.returncode == 0, errors
    assert json.loads(output.splitlines()[-1])["ticks"] == 0


@pytest.mark.real
def test_killed_and_stopped_and_started_again_it_has_every_tick_once(nats: str, tmp_path: Path) -> None:
    moments = [NOON + n * 1000 for n in range(300)]
    asyncio.run(tell(nats, *map(a_tick, moments[:100]), a_tick(NOON, "XAGUSD")))

    killed = recorder(nats, tmp_path)
    wait_for_rows(tmp_path, 100)
    killed.kill()
    killed.communicate(timeout=60)
    asyncio.run(tell(nats, *map(a_tick, moments[100:200])))

    output, _ = record_until(nats, tmp_path, 200)
    asyncio.run(tell(nats, *map(a_tick, moments[200:])))
    last_output, _ = record_until(nats, tmp_path, 300)

    assert json.loads(output.splitlines()[-1])["ticks"] == 100
    summary = json.loads(last_output.splitlines()[-1])
    assert (summary["ticks"], summary["refused"], summary["may_have_hole"]) == (100, 0, False)
    assert recorded(tmp_path) == [(moment, 4000.0, 4000.3) for moment in moments]
    with zipfile.ZipFile(tmp_path / "20260105_quote.zip") as archive:
        assert archive.testzip() is None


@pytest.mark.real
def test_a_broker_that_began_anew_is_read_from_its_beginning(nats: str, nats_server, tmp_path: Path) -> None:
    asyncio.run(tell(nats, a_tick(NOON), a_tick(NOON + 1000)))
    record_until(nats, tmp_path, 2)
    asyncio.run(nats_server.apply())
    later = [a_tick(NOON + n * 1000, bid=4001.0) for n in range(2, 6)]
    asyncio.run(tell(nats, *later))

    record_until(nats, tmp_path, 6)

    assert [moment for moment, *_ in recorded(tmp_path)] == [NOON + n * 1000 for n in range(6)]


@pytest.mark.real
def test_no_broker_is_one_line_that_names_it(tmp_path: Path) -> None:
    done = recorder("nats://127.0.0.1:1", tmp_path / "x")
    _, errors = done.communicate(timeout=60)

    assert done.returncode == 2
    assert len(errors.strip().splitlines()) == 1
    assert "127.0.0.1:1" in errors


@pytest.mark.real
def test_a_folder_that_cannot_be_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = recorder("nats://127.0.0.1:1", tmp_path / "file")
    _, errors = done.communicate(timeout=60)

    assert done.returncode == 2
    assert errors.count("\n") == 1
    assert "--folder" in errors


def test_the_lock_dies_with_its_writer(tmp_path: Path) -> None:
    opened = f"TapeWriter(Path({str(tmp_path)!r}))"
    script = f"import os; from pathlib import Path; from cli.tape_writer import TapeWriter; {opened}; os._exit(9)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)

    with TapeWriter(tmp_path) as tape:
        assert tape.last is None
