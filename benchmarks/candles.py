"""How many quotes a second one core folds into M1, M5, M15 and H1: our fold beside nautilus_trader's aggregators.

    python -m benchmarks.candles [--tape FOLDER] [--ticks 500000] [--rounds 5] [--memory-ticks 10000000] [--no-peer]

Without a tape the simulator's generated market is folded. The peer lives in an environment of its own under
`.sinyal/peers`, made from `requirements/peers.txt` at the first call. Ours and the peer's rounds alternate in one run
on the same quotes; each is measured by its own CPU time, since the machine may be busy; the median counts.

What is compared: ours in batches of columns, as `sinyal candles` folds a tape (`Fold.add_all`), and quote by quote, as
the live feed does (`Fold.add`); the peer quote by quote, which is its only way, in its best case (its clock moved once
a minute, no candles for empty minutes) and as its backtest engine runs it (its clock moved at every quote). Everybody
is handed quotes of its own kind that were made before: what making our columns costs is told on a line of its own.
Exit status 1: the candles differ, or memory grows.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median

import msgspec

from cli.candles import BATCH
from sandbox.exchange.tape import open_tape
from services.feed.adapters.deriv_frames import decode
from services.feed.domain.fold import Fold
from services.feed.domain.quotes import Candle, Quote, Ticks

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".sinyal" / "peers"
MILLION = 1_000_000
GROWTH_KIB = 2048
"""What a flat memory may grow by between the first and the last million: the allocator's noise."""


def read_quotes(tape: Path | None, count: int) -> list[Quote]:
    """The first quotes of a tape, or of the generated market."""
    return [Quote(quote.epoch_ms, quote.bid, quote.ask) for quote in islice(open_tape(tape).quotes(), count)]


def fold_each(quotes: Sequence[Quote]) -> tuple[float, list[Candle]]:
    """CPU seconds of folding one quote after the other as the live feed does, and the candles."""
    fold, found = Fold(), []
    add = fold.add
    started = time.process_time()
    for quote in quotes:
        closed = add(quote)
        if closed:
            found += closed
    return time.process_time() - started, found + fold.finish()


def fold_batches(batches: Iterable[Ticks]) -> tuple[float, list[Candle]]:
    """CPU seconds of folding batches, and of making them where they are made on the way; and the candles."""
    fold, found = Fold(), []
    started = time.process_time()
    for ticks in batches:
        found += fold.add_all(ticks)
    return time.process_time() - started, found + fold.finish()


def batches_of(quotes: Sequence[Quote]) -> Iterator[Ticks]:
    """Quotes in columns, as many at a time as `sinyal candles` takes."""
    for start in range(0, len(quotes), BATCH):
        yield columns_of(quotes[start : start + BATCH])


def columns_of(batch: Sequence[Quote]) -> Ticks:
    """A batch."""
    return Ticks([quote.epoch_ms for quote in batch], [quote.bid for quote in batch], [quote.ask for quote in batch])


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


OURS = {
    "batches": "Sinyal's fold, in batches of columns",
    "each": "Sinyal's fold, quote by quote",
    "columns": "in batches, columns made of quotes on the way",
    "frames": "quote by quote, from Deriv's frames",
}
PEERS_WAYS = {"best": "clock once a minute", "each": "clock at every quote"}


def measure_ours(quotes: Sequence[Quote]) -> dict[str, Callable[[], tuple[float, list[Candle]]]]:
    """How each of our ways is measured once; what a way needs beforehand is made here."""
    batches, frames = list(batches_of(quotes)), frames_of(quotes)
    return {
        "batches": lambda: fold_batches(batches),
        "each": lambda: fold_each(quotes),
        "columns": lambda: fold_batches(batches_of(quotes)),
        "frames": lambda: (decode_and_fold(frames), []),
    }


def show_speed(quotes: Sequence[Quote], rounds: int, peer: Peer | None) -> bool:
    """Print ticks per second of everything; returns whether the candles agree."""
    measures = measure_ours(quotes)
    gc.collect()
    gc.freeze()
    ours: dict[str, list[float]] = {name: [] for name in OURS}
    theirs: dict[str, list[float]] = {name: [] for name in PEERS_WAYS} if peer else {}
    agree = True
    for _ in range(rounds):
        results = {name: measure() for name, measure in measures.items()}
        for name, (took, _) in results.items():
            ours[name].append(took)
        candles = results["each"][1]
        agree = agree and candles == results["batches"][1] == results["columns"][1]
        for name, taken in theirs.items():
            took, minutes = peer.measure(name) if peer else (0.0, [])
            taken.append(took)
            agree = agree and not differing(candles, minutes)
    print(f"{len(quotes):,} quotes, {rounds} rounds, median CPU time, four intervals; M ticks/s")
    for name, words in OURS.items():
        print(f"{words:<48} {len(quotes) / median(ours[name]) / MILLION:>6.2f}")
    for name, taken in theirs.items():
        batches, each = (ratio(taken, ours[way]) for way in ("batches", "each"))
        words = f"nautilus_trader 1.221, {PEERS_WAYS[name]}"
        speed = len(quotes) / median(taken) / MILLION
        print(f"{words:<48} {speed:>6.2f}   ours: {batches:.1f} times that in batches, {each:.1f} quote by quote")
    print("candles: " + ("the same" if agree else "NOT the same"))
    return agree


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """How many times as long as ours theirs took, round by round; the median."""
    return median(longer / shorter for longer, shorter in zip(theirs, ours, strict=True))


def endless(quotes: Sequence[Quote]) -> Iterator[Quote]:
    """The quotes again and again, each time later by whole days."""
    day_ms = 86_400_000
    span_ms = (quotes[-1].epoch_ms - quotes[0].epoch_ms) // day_ms * day_ms + day_ms
    shift_ms = 0
    while True:
        for quote in quotes:
            yield Quote(quote.epoch_ms + shift_ms, quote.bid, quote.ask)
        shift_ms += span_ms


def endless_batches(quotes: Sequence[Quote]) -> Iterator[Ticks]:
    """The same in batches of columns."""
    stream = endless(quotes)
    while batch := list(islice(stream, BATCH)):
        yield columns_of(batch)


def show_memory(quotes: Sequence[Quote], count: int) -> bool:
    """Print the resident memory after each million quotes, each way; returns whether it is flat."""
    each, batches = Fold(), Fold()
    stream, stream_of_batches = endless(quotes), endless_batches(quotes)
    resident, candles, candles_of_batches = [], 0, 0
    for millions in range(1, count // MILLION + 1):
        for quote in islice(stream, MILLION):
            candles += len(each.add(quote))
        for ticks in islice(stream_of_batches, MILLION // BATCH):
            candles_of_batches += len(batches.add_all(ticks))
        resident.append(resident_kib())
        found = f"{candles:>9,} candles quote by quote, {candles_of_batches:>9,} in batches"
        print(f"{millions:>4} M quotes {found} {resident[-1] / 1024:>8.1f} MiB resident", flush=True)
    if not resident:
        return True
    is_flat = resident[-1] - resident[0] <= GROWTH_KIB
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
    with tempfile.TemporaryDirectory() as folder:
        peer = None if options.no_peer else Peer(peer_python(), quotes, Path(folder))
        agree = show_speed(quotes, options.rounds, peer)
        if peer:
            peer.close()
    is_flat = show_memory(quotes, options.memory_ticks)
    return 0 if agree and is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
