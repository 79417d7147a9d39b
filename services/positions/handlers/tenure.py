"""One copy at a time follows the ticks of a symbol: from taking the lease to losing it.

Three things run side by side. Ticks are followed in memory and wait for nothing. A writer stores what they decided,
trying for as long as it takes. A listener hears of new positions; when its connection goes the lease goes with it,
and it is asked for again while the other two go on. If another copy got it, this tenure ends; what it did not store,
the other works out again from the stored mark.
"""

import asyncio

import structlog

from chassis.errors import TransientError
from contracts import catalogue
from services.positions.domain.calm import Pause
from services.positions.domain.instrument import Instrument
from services.positions.handlers.ending import Ending
from services.positions.handlers.follower import Follower
from services.positions.handlers.ground import Ground
from services.positions.handlers.patience import patient
from services.positions.handlers.pending import Batch
from services.positions.ports import Change, Lease, Leases, Mark, Span, TenureOverError

CHUNK = 250
"""Exits stored in one transaction: about 20 ms of the loop."""
SAVE_EVERY_S = 1.0
AGAIN_S = 1.0
"""How long an exit that could not be stored waits at most to be tried again: people wait for it."""
STORED_S = 5.0
"""How long a signal may wait for exits: a tenth of its validity, and a gap through 50,000 levels."""

logger = structlog.get_logger()


class TickFollowing:
    """Follows one symbol, tenure after tenure."""

    def __init__(self, instrument: Instrument, ground: Ground, leases: Leases, ending: Ending) -> None:
        self._instrument = instrument
        self._ground = ground
        self._leases = leases
        self._ending = ending
        self.follower: Follower | None = None
        """What is followed now; None while another copy does it."""
        self._stored_count = 0

    @property
    def symbol(self) -> str:
        """Whose ticks."""
        return self._instrument.symbol

    async def exits_stored(self) -> None:
        """Wait until what ticks decided so far is stored, but not for ever: whose trade has ended is free again.

        Raises:
            TransientError: nothing of it could be stored meanwhile. Who goes on now may overtake the exits.
        """
        follower, before = self.follower, self._stored_count
        if follower is None:
            return
        await _wait(follower.exits_stored, STORED_S)
        if not follower.exits_stored.is_set() and self._stored_count == before:
            raise TransientError(f"the exits of {self.symbol} could not be stored for {STORED_S:g} s")

    async def run(self) -> None:
        """Follow whenever it is our turn, for ever. Cancel it to stop."""
        while True:
            try:
                async with self._leases.lease(self.symbol) as lease:
                    await lease.take()
                    await self._serve(lease)
            except* TenureOverError:
                logger.warning("tenure.lost", symbol=self.symbol)
            finally:
                self.follower = None

    async def _serve(self, lease: Lease) -> None:
        retry = patient(lambda: logger.warning("tenure.delayed", symbol=self.symbol))
        begun: tuple[int, Mark | None, Pause | None] = await retry(self._begin)
        tenure, mark, pause = begun
        follower = Follower(self._instrument, self._ground.clock, mark, pause)
        await retry(self._load, follower, None)
        follower.begin_telling()
        self.follower = follower
        logger.info("tenure.begun", symbol=self.symbol, version=tenure, count=follower.open_count)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(follower, mark))
            group.create_task(self._write(follower, tenure))
            group.create_task(self._hear(follower, lease, tenure))

    async def _begin(self) -> tuple[int, Mark | None, Pause | None]:
        async with self._ground.store.work() as work:
            return *await work.progress.begin(self.symbol), await work.progress.pausing(self.symbol)

    async def _load(self, follower: Follower, signal_id: str | None, people: Span | None = None) -> None:
        """Follow what is stored and live, of one signal or all."""
        async with self._ground.store.work() as work:
            positions = await work.positions.followed(self.symbol, signal_id, people)
        for first in range(0, len(positions), CHUNK):
            follower.follow(positions[first : first + CHUNK])
            await asyncio.sleep(0)  # ten thousand positions must not hold up a tick

    # --- ticks --------------------------------------------------------------------------------------------------------

    async def _read(self, follower: Follower, mark: Mark | None) -> None:
        """Follow ticks from the mark on, across losses of the broker."""
        retry = patient(lambda: logger.warning("tick.halted", symbol=self.symbol))
        after = max(0, mark.rewind_sequence - 1) if mark else 0
        if mark is not None and not await retry(self._is_same_stream, mark):
            logger.warning("tick.stream_replaced", symbol=self.symbol, seq=mark.rewind_sequence)
            after = 0
        while True:
            after = await retry(self._read_from, follower, after)

    async def _is_same_stream(self, mark: Mark) -> bool:
        """Look whether the tick at the mark is still the one that was read there. A stream in memory that was lost
        counts from one again, and sequences of the old one say nothing about it.
        """
        async with self._ground.bus.replay(
            catalogue.TICK, after_sequence=max(0, mark.rewind_sequence - 1), tokens=(self.symbol,)
        ) as ticks:
            async for stored, tick in ticks:
                return (stored.sequence, tick.epoch_ms) == (mark.rewind_sequence, mark.rewind_epoch_ms)
        return False

    async def _read_from(self, follower: Follower, after: int) -> int:
        """Follow ticks until the reading ends; returns from where to read on."""
        async with self._ground.bus.replay(catalogue.TICK, after_sequence=after, tokens=(self.symbol,)) as ticks:
            async for stored, tick in ticks:
                after = stored.sequence
                if follower.on_tick(stored, tick):
                    self._ground.market.learn_price(tick)
        return after

    # --- the writer ---------------------------------------------------------------------------------------------------

    async def _write(self, follower: Follower, tenure: int) -> None:
        """Store exits at once, and moved stops and the mark every second."""
        retry = patient(
            lambda: logger.warning("exit.delayed", symbol=self.symbol, count=follower.exit_count),
            longest_wait_s=AGAIN_S,
        )
        saved: Mark | None = None
        while True:
            batch = follower.batch(CHUNK)
            if batch or batch.mark != saved:
                await retry(self._store, tenure, batch)
                follower.stored(batch)
                saved = batch.mark or saved
            if not follower.exit_count and len(batch.moves) < CHUNK:
                await _wait(follower.exits_waiting, SAVE_EVERY_S)

    async def _store(self, tenure: int, batch: Batch) -> None:
        await self._ending.store(self.symbol, tenure, batch)
        self._stored_count += 1

    # --- changes ------------------------------------------------------------------------------------------------------

    async def _hear(self, follower: Follower, lease: Lease, tenure: int) -> None:
        """Take in what is announced; when the lease is lost, get it back and look at everything again."""
        while True:
            try:
                async for change in lease.changes():
                    await self._take_in(follower, change)
            except TransientError as e:
                logger.warning("lease.lost", symbol=self.symbol, error=str(e))
            await lease.retake()
            retry = patient(lambda: None)
            if not await retry(self._is_current, tenure):
                raise TenureOverError(f"tenure {tenure} of {self.symbol} is over")
            await retry(self._load, follower, None)
            logger.info("lease.regained", symbol=self.symbol)

    async def _take_in(self, follower: Follower, change: Change) -> None:
        if change.voided_id is not None:
            follower.forget(change.voided_id)
        if change.signal_id is not None:
            await self._load(follower, change.signal_id, change.people)

    async def _is_current(self, tenure: int) -> bool:
        async with self._ground.store.work() as work:
            return await work.progress.is_current(self.symbol, tenure)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for the event, at most so long."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
