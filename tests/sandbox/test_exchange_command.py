"""`python -m sandbox.exchange`: one line when it serves, one line when it cannot."""

import asyncio
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.sandbox.exchange_client import NEW, Client, some_quotes, write_tape
from tests.shared import ROOT


async def _start(*flags: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.exchange", *flags),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _refusal(*flags: str) -> tuple[int | None, str]:
    process = await _start(*flags)
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    assert output == b""
    return process.returncode, errors.decode()


async def test_it_serves_after_one_line_and_leaves_on_sigterm(tmp_path: Path) -> None:
    from websockets.asyncio.client import connect

    tape = write_tape(tmp_path / "gold.csv", some_quotes(44))
    process = await _start("--tape", str(tape), "--speed", "60")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        words = (await process.stdout.readline()).decode().split()
    address = dict(zip(words[0::2], words[1::2], strict=True))
    async with connect(address["exchange"] + NEW, compression=None, proxy=None) as connection:
        answer = await Client(connection).ask(ticks="frxXAUUSD", subscribe=1)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            output, errors = await process.communicate()

    assert answer["tick"]["symbol"] == "frxXAUUSD"
    assert address["control"].startswith("http://127.0.0.1:")
    assert (address["speed"], address["tape"]) == ("60", str(tape))
    assert (process.returncode, output, errors) == (0, b"", b"")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--tape", "/nowhere/gold.csv"], ["--tape", "/nowhere/gold.csv", "epoch_ms,bid,ask"]),
        (["--speed", "0"], ["--speed", "greater than zero"]),
        (["--port", "70000"], ["--port", "65535"]),
        (["--warmup-candles", "-1"], ["--warmup-candles", "0 or more"]),
        (["--pace", "9"], ["--pace"]),
    ],
)
async def test_a_wrong_flag_is_one_line_that_names_it(flags: list[str], words: list[str]) -> None:
    status, errors = await _refusal(*flags)

    assert status == 2
    assert errors.count("\n") == 1
    assert all(word in errors for word in words)


async def test_a_broken_tape_is_one_line_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "gold.csv").write_text("1780992000000,4000,4001\n1780992000000,4002,4001\n")

    status, errors = await _refusal("--tape", str(tmp_path / "gold.csv"))

    assert status == 2
    assert "--tape" in errors
    assert "gold.csv, line 2: bid 4002.0 is above ask 4001.0" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("flag", ["--port", "--faults-port"])
async def test_a_taken_port_is_one_line_that_names_the_flag(tmp_path: Path, flag: str) -> None:
    tape = write_tape(tmp_path / "gold.csv", some_quotes(2))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, errors = await _refusal("--tape", str(tape), flag, port)

    assert status == 2
    assert (
        errors == f"sandbox.exchange: {flag} {port} is taken on 127.0.0.1; give a free port, or 0 to have one chosen\n"
    )
