"""The broker's object stores: bytes under a key, until they are too old or dropped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from nats import errors as nats_errors
from nats.js.errors import Error as JetStreamError
from nats.js.errors import ObjectNotFoundError
from nats.js.object_store import ObjectStore

from chassis.cancellation import cancellable
from chassis.errors import TransientError
from chassis.nats_link import Link
from contracts.channels import Bucket

OBJECT_TIMEOUT_S = 5.0


class Objects:
    """All buckets of one connection. Every method raises TransientError."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._buckets: dict[str, ObjectStore] = {}

    async def put(self, bucket: Bucket, key: str, body: bytes) -> None:
        """Store an object under a key."""
        async with self._opened(bucket, f"{key} was not stored") as store:
            await cancellable(store.put(key, body))

    async def get(self, bucket: Bucket, key: str) -> bytes | None:
        """Read an object, or None."""
        async with self._opened(bucket, f"{key} was not read") as store:
            try:
                return bytes((await cancellable(store.get(key))).data or b"")
            except ObjectNotFoundError:
                return None

    async def drop(self, bucket: Bucket, key: str) -> None:
        """Delete an object."""
        async with self._opened(bucket, f"{key} was not deleted") as store:
            with suppress(ObjectNotFoundError):
                await cancellable(store.delete(key))

    @asynccontextmanager
    async def _opened(self, bucket: Bucket, complaint: str) -> AsyncIterator[ObjectStore]:
        try:
            async with asyncio.timeout(OBJECT_TIMEOUT_S):
                yield await self._bucket(bucket)
        except (nats_errors.Error, JetStreamError, TimeoutError) as e:
            raise TransientError(f"bucket {bucket.name}: {complaint}: {type(e).__name__} {e}") from e

    async def _bucket(self, bucket: Bucket) -> ObjectStore:
        found = self._buckets.get(bucket.name)
        if found is None:
            jetstream = self._link.client.jetstream(timeout=OBJECT_TIMEOUT_S)
            found = await cancellable(jetstream.object_store(bucket.name))
            self._buckets[bucket.name] = found
        return found
