"""Dashboards in memory, for tests of what people say; the contract in test_dashboards.py holds it to the real ones."""

from dataclasses import replace

from services.telegram.domain.dashboards import Ending


class MemoryDashboards:
    """Keeps rows; nothing in it waits."""

    def __init__(self):
        self.rows = {}

    async def open(self, dashboard):
        if dashboard.dashboard_id in self.rows:
            return
        for row in list(self.rows.values()):
            if (row.subscriber_id, row.symbol, row.ending) == (dashboard.subscriber_id, dashboard.symbol, None):
                self.rows[row.dashboard_id] = replace(row, ending=Ending.REPLACED)
        self.rows[dashboard.dashboard_id] = dashboard

    async def stop(self, subscriber_id):
        running = [row for row in self.rows.values() if row.subscriber_id == subscriber_id and row.ending is None]
        for row in running:
            self.rows[row.dashboard_id] = replace(row, ending=Ending.STOPPED)
        return bool(running)

    async def forget_all(self, subscriber_id):
        self.rows = {key: row for key, row in self.rows.items() if row.subscriber_id != subscriber_id}

    async def forget(self, dashboard_id):
        self.rows.pop(dashboard_id, None)

    async def claim(self, limit, rhythm):  # nothing here rests
        return list(self.rows.values())[:limit]

    async def show(self, row, *, send_id, shown, position_id, is_final=False):
        kept = self.rows.get(row.dashboard_id)
        if kept is not None and kept.edits == row.edits:
            ending = kept.ending or (Ending.FINISHED if is_final else None)
            more = {"edits": row.edits + 1, "shown": shown, "position_id": position_id, "has_edit": True}
            self.rows[row.dashboard_id] = replace(kept, **more, is_final=is_final, ending=ending)

    async def reopen(self, row, *, send_id, position_id):
        kept = self.rows.pop(row.dashboard_id, None)
        if kept is not None:
            more = {"edits": row.edits + 1, "shown": "", "position_id": position_id}
            self.rows[send_id] = replace(kept, **more, dashboard_id=send_id, message=None, age_s=0.0)

    async def count(self):
        return len(self.rows)
