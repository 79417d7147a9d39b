"""Who somebody is, what he chose, and what is kept of him."""

from datetime import datetime
from decimal import Decimal

import msgspec


class RegisterSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person pressed start: store or welcome back. Refused with code `not_allowed` where registration is closed."""

    subscriber_id: int
    chat_id: int
    name: str
    language: str | None = None


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A subscriber as the other rooms may see one."""

    subscriber_id: int
    chat_id: int
    language: str
    time_zone: str
    auto: bool
    lots: Decimal
    active: bool
    is_operator: bool
    is_new: bool = False


class GetSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """Look a subscriber up; code `not_registered` where there is none."""

    subscriber_id: int


class SetLanguage(msgspec.Struct, frozen=True, kw_only=True):
    """Change the language of a subscriber."""

    subscriber_id: int
    language: str


class SetAuto(msgspec.Struct, frozen=True, kw_only=True):
    """Switch automatic signals on or off."""

    subscriber_id: int
    auto: bool


class GetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Look up what a subscriber chose; code `not_registered` where there is no such person."""

    subscriber_id: int


class ChangeSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Change one setting, named as in `Settings`, to a value as a person writes it; `default` takes the choice back.

    `lots` 0.01 to 1.00; `balance` USD; `risk_percent`; `daily_loss_percent`, 0 is none; `quiet_hours` 22:00-06:00 or
    off; `time_zone`; `targets` single or three; `break_even`, `trailing`, `tightening` on or off; `time_limit_min`, 0
    is none; `notify_signal` on or silent; `notify_exit`, `notify_target`, `notify_stop`, `notify_summary` on, silent or
    off; `dashboard` on or off. Codes `unknown_setting`, `bad_value` (its message says what is taken), `not_registered`.
    """

    subscriber_id: int
    name: str
    value: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber chose. None: not chosen. Without `risk_percent` and `balance` the `lots` are fixed; of the plan
    (`targets` to `time_limit_min`) what was not chosen is the strategy's own. `notify_…` is on, silent or off.
    """

    time_zone: str
    lots: Decimal
    balance: Decimal | None
    risk_percent: Decimal | None
    daily_loss_percent: Decimal
    quiet_hours: str | None
    targets: str | None
    break_even: bool | None
    trailing: bool | None
    tightening: bool | None
    time_limit_min: int | None
    notify_signal: str = "on"
    notify_exit: str = "on"
    notify_target: str = "on"
    notify_stop: str = "on"
    notify_summary: str = "on"
    dashboard: bool = False


class DeactivateSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person blocked the bot at `seen_at` (wall clock): give him nothing until he comes back. One who has come back
    since stays active; code `not_registered` where there is no such person.
    """

    subscriber_id: int
    reason: str
    seen_at: datetime


class EraseSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person wants to be forgotten, and said so when he was asked at `asked_at` (wall clock). Whoever is not known is
    forgotten already; code `registered_since` for one who has come since: he was not asked.
    """

    subscriber_id: int
    asked_at: datetime


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there was somebody to erase. `kept_trades` stay in the system's statistics without him; `ended_live`
    positions were live and are so no more.
    """

    was_known: bool
    kept_trades: int = 0
    ended_live: int = 0


class ExportSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person wants all that is kept of him; code `not_registered`."""

    subscriber_id: int


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The keys under which the files lie in the bucket EXPORTS: all of it as JSON, the trades as CSV too."""

    json_key: str
    csv_key: str
    trades: int
