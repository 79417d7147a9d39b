"""Who may subscribe, and what is known of those who do."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from contracts import asks
from services.positions.domain.preferences import Chosen, Preferences

LANGUAGES = ("id", "en")
"""Languages that the product speaks, the default first."""


class UnknownLanguageError(ValueError):
    """The product does not speak this language."""


class Access(StrEnum):
    """Who may register."""

    OPEN = "open"
    ALLOW_LIST = "allow_list"
    OPERATORS = "operators"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """Who may register and ask: operators always, others by `access`."""

    access: Access
    operator_ids: frozenset[int] = frozenset()
    allowed_ids: frozenset[int] = frozenset()

    def is_operator(self, subscriber_id: int) -> bool:
        """Tell whether a person runs the bot."""
        return subscriber_id in self.operator_ids

    def is_allowed(self, subscriber_id: int) -> bool:
        """Tell whether a person may use the bot."""
        if self.access is Access.OPEN or self.is_operator(subscriber_id):
            return True
        return self.access is Access.ALLOW_LIST and subscriber_id in self.allowed_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A subscriber as this room keeps one."""

    subscriber_id: int
    chat_id: int
    language: str
    time_zone: str
    auto: bool
    lots: Decimal
    active: bool
    preferences: Preferences = field(default_factory=Preferences)

    @property
    def chosen(self) -> Chosen:
        """What he can change by name."""
        return Chosen(lots=self.lots, time_zone=self.time_zone, preferences=self.preferences)


def checked_language(language: str) -> str:
    """Return a language that the product speaks.

    Raises:
        UnknownLanguageError: names those there are.
    """
    if language not in LANGUAGES:
        raise UnknownLanguageError(f"{language!r} is not spoken here: {', '.join(LANGUAGES)}")
    return language


def first_language(wanted: str | None, default: str) -> str:
    """Choose a newcomer's language: what the app tells (`en`, `en-GB`) when it is spoken here, else the default."""
    spoken = (wanted or "").split("-")[0].lower()
    return spoken if spoken in LANGUAGES else default


def shown(person: Person, rule: AccessRule, *, is_new: bool = False) -> asks.Subscriber:
    """Say of a person what the other rooms may know."""
    return asks.Subscriber(
        subscriber_id=person.subscriber_id,
        chat_id=person.chat_id,
        language=person.language,
        time_zone=person.time_zone,
        auto=person.auto,
        lots=person.lots,
        active=person.active,
        is_operator=rule.is_operator(person.subscriber_id),
        is_new=is_new,
    )


def settings_of(person: Person) -> asks.Settings:
    """Say what a person chose."""
    preferences, choice, hearing = person.preferences, person.preferences.choice, person.preferences.hearing
    return asks.Settings(
        time_zone=person.time_zone,
        lots=person.lots,
        balance=preferences.balance,
        risk_percent=preferences.risk_percent,
        daily_loss_percent=preferences.daily_loss_percent,
        quiet_hours=None if preferences.quiet is None else str(preferences.quiet),
        targets=choice.targets,
        break_even=choice.break_even,
        trailing=choice.trailing,
        tightening=choice.tightening,
        time_limit_min=None if choice.time_limit_s is None else choice.time_limit_s // 60,
        notify_signal=hearing.signal,
        notify_exit=hearing.exit,
        notify_target=hearing.target,
        notify_stop=hearing.stop,
        notify_summary=hearing.summary,
        dashboard=preferences.dashboard,
    )
