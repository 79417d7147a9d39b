"""A person wants all that is kept of him."""

import secrets

from contracts import asks, catalogue
from services.positions.domain.export import trades_csv
from services.positions.handlers.ground import Ground
from services.positions.handlers.people import People


class Exporting:
    """Answers `export`: the files lie in the object store for an hour, under names that nobody can guess."""

    def __init__(self, ground: Ground, people: People) -> None:
        self._ground = ground
        self._people = people

    async def export(self, request: asks.ExportSubscriber) -> asks.Exported:
        """Write all of a person into files.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`.
        """
        async with self._ground.store.view(request.subscriber_id) as view:
            person = await self._people.required(view, request.subscriber_id)
            document = await view.export.document(person.subscriber_id, self._ground.clock.now())
            trades = await view.export.trades(person.subscriber_id)
        return asks.Exported(
            json_key=await self._keep(document), csv_key=await self._keep(trades_csv(trades)), trades=len(trades)
        )

    async def _keep(self, text: str) -> str:
        key = secrets.token_hex(16)
        await self._ground.bus.put(catalogue.EXPORTS, key, text.encode())
        return key
