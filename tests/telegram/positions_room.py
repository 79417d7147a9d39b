"""The positions room as the gateway sees it: answers questions, remembers what was set."""

from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

import msgspec

from chassis.errors import AskFailedError
from contracts import catalogue
from contracts.asks import ChartRequested, Erased, Exported, SignalRequested, SystemStatistics, Why
from services.positions.domain.preferences import BadSettingError, Chosen, Preferences, changed
from services.positions.domain.subscriber import Person, settings_of
from tests.telegram.builders import history, statistics, status, subscriber

DEFAULTS = Chosen(lots=Decimal("0.01"), time_zone="Asia/Jakarta", preferences=Preferences())


class Forgotten:
    """Who was forgotten, and when."""

    def __init__(self):
        self.people = {}
        self.own_pictures = []

    async def pictures(self, person_id):
        return self.own_pictures

    async def add(self, person_id, at):
        self.people[person_id] = at


class PositionsRoom:
    """`people` are registered; `status`, `history`, … are what is answered; `asked` is what was asked."""

    def __init__(self, people=()):
        self.people = {one.subscriber_id: one for one in people}
        self.asked = []
        self.is_open = True
        self.status = status()
        self.signal = SignalRequested(position_id=None, why=("why.cooldown",))
        self.why = Why(reasons=("reason.trf_with.buy",), refusals=(), signal_at=None)
        self.chart_key = "abcdef"
        self.errors = {}
        self.preferences = {}
        self.forgotten = Forgotten()
        self.history = None

    @asynccontextmanager
    async def answering(self, bus):
        answers = {
            catalogue.REGISTER: self.register,
            catalogue.SUBSCRIBER: self.find,
            catalogue.SET_LANGUAGE: lambda q: self.change(q, language=q.language),
            catalogue.SET_AUTO: lambda q: self.change(q, auto=q.auto),
            catalogue.SETTINGS: self.settings,
            catalogue.CHANGE_SETTING: self.change_setting,
            catalogue.DEACTIVATE: lambda q: self.change(q, active=False),
            catalogue.ERASE: self.erase,
            catalogue.EXPORT: lambda q: self.known(q, Exported(json_key="a1", csv_key="b2", trades=12)),
            catalogue.REQUEST_SIGNAL: lambda q: self.known(q, self.signal),
            catalogue.STATUS: lambda q: self.known(q, self.status),
            catalogue.HISTORY: lambda q: self.known(q, self.history or history(page=q.page)),
            catalogue.WHY: lambda q: self.known(q, self.why),
            catalogue.STATISTICS: lambda q: self.known(q, statistics(days=q.days)),
            catalogue.RECORD: lambda q: self.known(q, statistics(days=q.days)),
            catalogue.SYSTEM_STATISTICS: lambda q: self.known(
                q, SystemStatistics(subscribers=1200, live_positions=310, statistics=statistics(days=q.days))
            ),
            catalogue.REQUEST_CHART: lambda q: self.known(q, ChartRequested(chart_key=self.chart_key)),
        }
        async with AsyncExitStack() as stack:
            for question, answer in answers.items():
                await stack.enter_async_context(bus.answer(question, self._recorded(answer)))
            yield self

    def _recorded(self, answer):
        async def handle(question):
            self.asked.append(question)
            if type(question) in self.errors:
                raise self.errors[type(question)]
            return await answer(question)

        return handle

    async def register(self, question):
        if not self.is_open:
            raise AskFailedError("not_allowed", "closed")
        is_new = question.subscriber_id not in self.people
        found = self.people.setdefault(
            question.subscriber_id,
            subscriber(
                subscriber_id=question.subscriber_id, chat_id=question.chat_id, language=question.language or "id"
            ),
        )
        return msgspec.structs.replace(found, is_new=is_new)

    async def erase(self, question):
        return Erased(was_known=self.people.pop(question.subscriber_id, None) is not None)

    async def find(self, question):
        return await self.known(question, None)

    async def known(self, question, answer):
        person = self.people.get(question.subscriber_id)
        if person is None:
            raise AskFailedError("not_registered", "nobody")
        return person if answer is None else answer

    async def settings(self, question):
        person = await self.known(question, None)
        return settings_of(self._person(person))

    async def change_setting(self, question):
        """Change a setting as the real room does."""
        person = self._person(await self.known(question, None))
        try:
            chosen = changed(person.chosen, question.name, question.value, DEFAULTS)
        except BadSettingError as e:
            raise AskFailedError("bad_value", str(e)) from e
        self.preferences[person.subscriber_id] = chosen.preferences
        await self.change(question, lots=chosen.lots, time_zone=chosen.time_zone)
        return await self.settings(question)

    def _person(self, known):
        kept = {name: getattr(known, name) for name in (
            "subscriber_id", "chat_id", "language", "time_zone", "auto", "lots", "active"
        )}  # fmt: skip
        return Person(**kept, preferences=self.preferences.get(known.subscriber_id, Preferences()))

    async def change(self, question, **changes):
        person = await self.known(question, None)
        self.people[person.subscriber_id] = msgspec.structs.replace(person, **changes)
        return self.people[person.subscriber_id]
