"""Subscribers: registration, and what they choose."""

from dataclasses import dataclass
from decimal import Decimal

from chassis.errors import AskFailedError
from contracts import asks
from services.positions.domain.preferences import (
    BadSettingError,
    Chosen,
    Preferences,
    UnknownSettingError,
    changed,
)
from services.positions.domain.subscriber import (
    Person,
    UnknownLanguageError,
    checked_language,
    first_language,
    settings_of,
    shown,
)
from services.positions.handlers.ground import Ground
from services.positions.ports import Applicant, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """What somebody starts with who has not chosen anything yet."""

    language: str
    time_zone: str
    lots: Decimal


class People:
    """Answers questions about subscribers."""

    def __init__(self, ground: Ground, newcomer: Newcomer) -> None:
        self._ground = ground
        self._newcomer = newcomer

    async def register(self, request: asks.RegisterSubscriber) -> asks.Subscriber:
        """Store a person or welcome one back. Choices that were made before are kept.

        Raises:
            AskFailedError: `not_allowed`.
        """
        self._require_access(request.subscriber_id)
        applicant = Applicant(
            subscriber_id=request.subscriber_id,
            chat_id=request.chat_id,
            name=request.name,
            language=first_language(request.language, self._newcomer.language),
            time_zone=self._newcomer.time_zone,
            lots=self._newcomer.lots,
        )
        async with self._ground.store.work() as work:
            person, is_new = await work.subscribers.register(applicant)
        return shown(person, self._ground.access, is_new=is_new)

    async def subscriber(self, request: asks.GetSubscriber) -> asks.Subscriber:
        """Look a person up.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`.
        """
        async with self._ground.store.view(request.subscriber_id) as view:
            return shown(await self.required(view, request.subscriber_id), self._ground.access)

    async def set_language(self, request: asks.SetLanguage) -> asks.Subscriber:
        """Change the language.

        Raises:
            AskFailedError: `bad_language`, `not_registered`, `not_allowed`.
        """
        try:
            language = checked_language(request.language)
        except UnknownLanguageError as e:
            raise AskFailedError("bad_language", str(e)) from e
        async with self._ground.store.work() as work:
            await self.required(work, request.subscriber_id)
            return self._changed(await work.subscribers.set_language(request.subscriber_id, language))

    async def set_auto(self, request: asks.SetAuto) -> asks.Subscriber:
        """Switch automatic signals on or off.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`.
        """
        async with self._ground.store.work() as work:
            await self.required(work, request.subscriber_id)
            return self._changed(await work.subscribers.set_auto(request.subscriber_id, request.auto))

    async def settings(self, request: asks.GetSettings) -> asks.Settings:
        """Tell what a person chose.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`.
        """
        async with self._ground.store.view(request.subscriber_id) as view:
            return settings_of(await self.required(view, request.subscriber_id))

    async def change_setting(self, request: asks.ChangeSetting) -> asks.Settings:
        """Change one setting.

        Raises:
            AskFailedError: `unknown_setting`, `bad_value`, `not_registered`, `not_allowed`.
        """
        newcomer = self._newcomer
        defaults = Chosen(lots=newcomer.lots, time_zone=newcomer.time_zone, preferences=Preferences())
        async with self._ground.store.work() as work:
            person = await self.required(work, request.subscriber_id)
            try:
                chosen = changed(person.chosen, request.name, request.value, defaults)
            except UnknownSettingError as e:
                raise AskFailedError("unknown_setting", str(e)) from e
            except BadSettingError as e:
                raise AskFailedError("bad_value", str(e)) from e
            kept = await work.subscribers.choose(person.subscriber_id, chosen)
        assert kept is not None, "read in the same transaction"
        return settings_of(kept)

    async def deactivate(self, request: asks.DeactivateSubscriber) -> asks.Subscriber:
        """Give nothing to a person who left, until he comes back.

        Raises:
            AskFailedError: `not_registered`.
        """
        async with self._ground.store.work() as work:
            await work.subscribers.deactivate(request.subscriber_id, request.reason, request.seen_at)
            person = await work.subscribers.find(request.subscriber_id)
        if person is None:
            raise AskFailedError("not_registered", f"no subscriber {request.subscriber_id}")
        return shown(person, self._ground.access)

    async def required(self, view: View, subscriber_id: int) -> Person:
        """Read a person who may ask.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`.
        """
        self._require_access(subscriber_id)
        person = await view.subscribers.find(subscriber_id)
        if person is None:
            raise AskFailedError("not_registered", f"no subscriber {subscriber_id}")
        return person

    def _require_access(self, subscriber_id: int) -> None:
        if not self._ground.access.is_allowed(subscriber_id):
            raise AskFailedError("not_allowed", f"{subscriber_id} may not use this bot")

    def _changed(self, person: Person | None) -> asks.Subscriber:
        assert person is not None, "read in the same transaction"
        return shown(person, self._ground.access)
