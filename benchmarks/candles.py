"""How many quotes a second one core folds into M1, M5, M15 and H1: our fold beside nautilus_trader's aggregators.

    python -m benchmarks.candles [--tape FOLDER] [--ticks 500000] [--rounds 5] [--memory-ticks 10000000] [--no-peer]

Without a tape the simulator's generated market is folded. The peer lives in an environment of its own under
`.sinyal/peers`, made from `requirements/peers.txt` at the first call. Ours and the peer's rounds alternate in one run
on the same quotes; each is measured by its own CPU time, since the machine may be busy; the median counts. The peer is
measured in its best case (its clock moved once a minute, no candles for empty minutes) and the way its backtest runs it
(its clock moved at every quote). Exit status 1: the candles differ, or memory grows.
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
import venv
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median

import msgspec

from sandbox.exchange.tape import open_tape
from services.feed.adapters.deriv_frames import decode
from services.feed.domain.fold import Fold
from services.feed.domain.quotes import Candle, Quote

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".sinyal" / "peers"
MILLION = 1_000_000
GROWTH_KIB = 2048
"""What a flat memory may grow by between the first and the last million: the allocator's noise."""


def read_quotes(tape: Path | None, count: int) -> list[Quote]:
    """The first quotes of a tape, or of the generated market."""
    return [Quote(quote.epoch_ms, quote.bid, quote.ask) for quote in islice(open_tape(tape).quotes(), count)]


def fold_all(quotes: Sequence[Quote]) -> tuple[float, list[Candle]]:
    """CPU seconds of folding one quote after the other as the live feed does, and the candles."""
    fold, found = Fold(), []
    add = fold.add
    started = time.process_time()
    for quote in quotes:
        closed = add(quote)
        if closed:
            found += closed
    return time.process_time() - started, found + fold.finish()


def frames_of(quotes: Sequence[Quote]) -> list[bytes]:
    """The quotes as Deriv sends them, about 330 bytes each."""
    echo = {"ticks": "frxXAUUSD", "subscribe": 1, "req_id": 7}
    stream = "6b1cbd51-7d1c-4bd6-a9d3-6f53b0c1e2aa"
    return [
        msgspec.json.encode(
            {
                "echo_req": echo,
                "msg_type": "tick",
                "req_id": 7,
                "subscription": {"id": stream},
                "tick": {
                    "ask": quote.ask,
                    "bid": quote.bid,
                    "epoch": quote.epoch_ms // 1000,
                    "id": stream,
                    "pip_size": 2,
                    "quote": round((quote.bid + quote.ask) / 2, 3),
                    "symbol": "frxXAUUSD",
                },
            }
        )
        for quote in quotes
    ]


def decode_and_fold(frames: Sequence[bytes]) -> float:
    """CPU seconds from frames to candles."""
    add = Fold().add
    started = time.process_time()
    for body in frames:
        tick = decode(body).tick
        if tick is not None and tick.bid is not None and tick.ask is not None:
            add(Quote(tick.epoch * 1000, tick.bid, tick.ask))
    return time.process_time() - started


class Peer:
    """The peer in a process of its own, which reads the quotes once and measures a round when asked."""

    def __init__(self, python: Path, quotes: Sequence[Quote], folder: Path) -> None:
        """Start it and hand it the quotes."""
        path = folder / "quotes"
        columns = (
            array("q", (q.epoch_ms for q in quotes)),
            array("d", (q.bid for q in quotes)),
            array("d", (q.ask for q in quotes)),
        )
        path.write_bytes(b"".join(column.tobytes() for column in columns))
        command = [str(python), str(ROOT / "benchmarks" / "candles_peer.py"), str(path), str(len(quotes))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def measure(self, way: str) -> tuple[float, list[list[float]]]:
        """CPU seconds of one round, and its M1 candles as rows of open_s, open, high, low, close."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{way}\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        return told["seconds"], told["minutes"]

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


def peer_python() -> Path:
    """Find the peer's environment, or make it from the hashed requirements."""
    python = PEERS / "bin" / "python"
    probe = [str(python), "-c", "import nautilus_trader"]
    if not python.exists() or subprocess.run(probe, check=False, capture_output=True).returncode:
        print("making .sinyal/peers (once)", file=sys.stderr)
        venv.create(PEERS, with_pip=True, clear=True)
        wanted = ["--require-hashes", "-r", str(ROOT / "requirements" / "peers.txt")]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
    return python


def differing(ours: Sequence[Candle], theirs: Sequence[Sequence[float]]) -> int:
    """How many minutes differ by more than half of the peer's last decimal; the last one is not closed there."""
    minutes = {c.open_s: (c.open, c.high, c.low, c.close) for c in ours if c.interval.value == "M1"}
    wrong = len(minutes.keys() ^ {int(row[0]) for row in theirs}) - 1
    for open_s, *prices in theirs:
        mine = minutes.get(int(open_s), ())
        wrong += any(abs(a - b) > 0.00051 for a, b in zip(mine, prices, strict=False))
    return max(0, wrong)


def show_speed(quotes: Sequence[Quote], rounds: int, peer: Peer | None) -> bool:
    """Print ticks per second of everything; returns whether the candles agree."""
    ways = ("best", "each") if peer else ()
    seconds: dict[str, list[float]] = {name: [] for name in ("fold", "frames", *ways)}
    frames = frames_of(quotes)
    agree = True
    for _ in range(rounds):
        took, candles = fold_all(quotes)
        seconds["fold"].append(took)
        for way in ways:
            took, minutes = peer.measure(way) if peer else (0.0, [])
            seconds[way].append(took)
            agree = agree and not differing(candles, minutes)
        seconds["frames"].append(decode_and_fold(frames))
    print(f"{len(quotes):,} quotes, {rounds} rounds, median CPU time, four intervals")
    for name, words in (("fold", "Sinyal's fold"), ("frames", "the same from Deriv's frames")):
        print(f"{words:<52} {len(quotes) / median(seconds[name]) / MILLION:>7.2f} M ticks/s")
    for name, words in zip(ways, ("clock once a minute", "clock at every quote"), strict=False):
        ratio = median(theirs / ours for theirs, ours in zip(seconds[name], seconds["fold"], strict=True))
        rate = len(quotes) / median(seconds[name]) / MILLION
        print(f"{f'nautilus_trader 1.221, {words}':<52} {rate:>7.2f} M ticks/s   ours is {ratio:.1f} times that")
    if peer:
        print("candles: " + ("the same" if agree else "NOT the same"))
    return agree


def endless(quotes: Sequence[Quote]) -> Iterator[Quote]:
    """The quotes again and again, each time later by whole days."""
    day_ms = 86_400_000
    span_ms = (quotes[-1].epoch_ms - quotes[0].epoch_ms) // day_ms * day_ms + day_ms
    shift_ms = 0
    while True:
        for epoch_ms, bid, ask, _ in quotes:
            yield Quote(epoch_ms + shift_ms, bid, ask)
        shift_ms += span_ms


def show_memory(quotes: Sequence[Quote], count: int) -> bool:
    """Print the resident memory after each million quotes; returns whether it is flat."""
    fold, stream, resident = Fold(), endless(quotes), []
    candles = 0
    for millions in range(1, count // MILLION + 1):
        for quote in islice(stream, MILLION):
            candles += len(fold.add(quote))
        resident.append(resident_kib())
        print(f"{millions:>4} M quotes {candles:>9,} candles {resident[-1] / 1024:>8.1f} MiB resident", flush=True)
    is_flat = not resident or resident[-1] - resident[0] <= GROWTH_KIB
    print("memory: " + ("flat" if is_flat else "GROWS"))
    return is_flat


def resident_kib() -> int:
    """Resident memory of this process now."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.candles", allow_abbrev=False)
    parser.add_argument("--tape", type=Path, help="a CSV or a folder of days; without it, the generated market")
    parser.add_argument("--ticks", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-ticks", type=int, default=10 * MILLION)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    quotes = read_quotes(options.tape, options.ticks)
    gc.collect()
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        peer = None if options.no_peer else Peer(peer_python(), quotes, Path(folder))
        agree = show_speed(quotes, options.rounds, peer)
        if peer:
            peer.close()
    is_flat = show_memory(quotes, options.memory_ticks)
    return 0 if agree and is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
