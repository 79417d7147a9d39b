"""What a subscriber chose: his size, his limits, his quiet hours, his plan, and what he is told of.

Every setting has a name and is written as a person writes it; `default` takes a choice back. Source: product
specification, section 4, "Access" and "Lots".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.positions.domain.hearing import Hearing, Kind, Loudness, SignalsOffError
from services.positions.domain.plans import LONGEST_LIMIT_S, Choice, Targets

DEFAULT = "default"
DAILY_LOSS_PERCENT = Decimal(3)
_MINUTES = 24 * 60


class UnknownSettingError(ValueError):
    """There is no such setting."""


class BadSettingError(ValueError):
    """The setting does not take this value."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of every local day without automatic signals, in minutes of the day: [from_min, to_min), over midnight
    where it begins later than it ends.
    """

    from_min: int
    to_min: int

    def hold(self, market_ms: int, time_zone: str) -> bool:
        """Tell whether they hold at a moment of market time."""
        local = datetime.fromtimestamp(market_ms / 1000, UTC).astimezone(ZoneInfo(time_zone))
        minute = local.hour * 60 + local.minute
        if self.from_min <= self.to_min:
            return self.from_min <= minute < self.to_min
        return minute >= self.from_min or minute < self.to_min

    def __str__(self) -> str:
        return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in (self.from_min, self.to_min))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a subscriber chose. A size by risk needs balance and risk; a daily loss limit needs a balance. `dashboard`:
    a live one opens by itself with each of his trades.
    """

    balance: Decimal | None = None
    risk_percent: Decimal | None = None
    daily_loss_percent: Decimal = DAILY_LOSS_PERCENT
    quiet: QuietHours | None = None
    choice: Choice = field(default_factory=Choice)
    hearing: Hearing = field(default_factory=Hearing)
    dashboard: bool = False

    @property
    def daily_loss_limit(self) -> Decimal | None:
        """The loss of a day, as a positive amount, that closes the gates; None: no limit."""
        if self.balance is None or self.daily_loss_percent == 0:
            return None
        return self.balance * self.daily_loss_percent / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """All that a person can set by name."""

    lots: Decimal
    time_zone: str
    preferences: Preferences


def changed(chosen: Chosen, name: str, value: str, defaults: Chosen) -> Chosen:
    """Change one setting.

    Raises:
        UnknownSettingError: names those there are.
        BadSettingError: says what the setting takes.
    """
    change = _CHANGES.get(name)
    if change is None:
        raise UnknownSettingError(f"{name!r} is no setting: {', '.join(_CHANGES)}")
    return change(chosen, value.strip(), defaults)


def _lots(chosen: Chosen, value: str, defaults: Chosen) -> Chosen:
    takes = "lots from 0.01 to 1.00 in steps of 0.01"
    return replace(chosen, lots=defaults.lots if value == DEFAULT else _number(value, "0.01", "1", takes))


def _time_zone(chosen: Chosen, value: str, defaults: Chosen) -> Chosen:
    if value == DEFAULT:
        return replace(chosen, time_zone=defaults.time_zone)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise BadSettingError("a time zone like Asia/Jakarta is needed") from e
    return replace(chosen, time_zone=value)


def _balance(chosen: Chosen, value: str, _: Chosen) -> Chosen:
    balance = None if value == DEFAULT else _number(value, "1", "1e9", "a balance in USD, at least 1")
    return _preferring(chosen, balance=balance)


def _risk_percent(chosen: Chosen, value: str, _: Chosen) -> Chosen:
    risk = None if value == DEFAULT else _number(value, "0.01", "10", "a percentage of the balance, 0.01 to 10")
    return _preferring(chosen, risk_percent=risk)


def _daily_loss(chosen: Chosen, value: str, _: Chosen) -> Chosen:
    takes = "a percentage of the balance, 0 (no limit) to 100"
    return _preferring(
        chosen, daily_loss_percent=DAILY_LOSS_PERCENT if value == DEFAULT else _number(value, "0", "100", takes)
    )


def _quiet_hours(chosen: Chosen, value: str, _: Chosen) -> Chosen:
    return _preferring(chosen, quiet=None if value in {DEFAULT, "off"} else _span(value))


def _targets(chosen: Chosen, value: str, _: Chosen) -> Chosen:
    if value not in {DEFAULT, *Targets}:
        raise BadSettingError("targets are single or three")
    return _planning(chosen, targets=None if value == DEFAULT else Targets(value))


def _switch(name: str) -> Callable[[Chosen, str, Chosen], Chosen]:
    def change(chosen: Chosen, value: str, _: Chosen) -> Chosen:
        if value not in {DEFAULT, "on", "off"}:
            raise BadSettingError(f"{name} is on or off")
        return _planning(chosen, **{name: None if value == DEFAULT else value == "on"})

    return change


def _notices(kind: Kind) -> Callable[[Chosen, str, Chosen], Chosen]:
    def change(chosen: Chosen, value: str, _: Chosen) -> Chosen:
        if value not in {DEFAULT, *Loudness}:
            raise BadSettingError(f"notify_{kind} is on, silent or off")
        loudness = Loudness.ON if value == DEFAULT else Loudness(value)
        try:
            return _preferring(chosen, hearing=chosen.preferences.hearing.choosing(kind, loudness))
        except SignalsOffError as e:
            raise BadSettingError(str(e)) from e

    return change


def _dashboard(chosen: Chosen, value: str, _: Chosen) -> Chosen:
    if value not in {DEFAULT, "on", "off"}:
        raise BadSettingError("dashboard is on or off")
    return _preferring(chosen, dashboard=value == "on")


def _time_limit(chosen: Chosen, value: str, _: Chosen) -> Chosen:
    takes = f"whole minutes, 0 (no limit) to {LONGEST_LIMIT_S // 60}"
    if value != DEFAULT and not value.isdecimal():
        raise BadSettingError(f"a time limit is {takes}")
    minutes = None if value == DEFAULT else int(_number(value, "0", str(LONGEST_LIMIT_S // 60), takes))
    return _planning(chosen, time_limit_s=None if minutes is None else minutes * 60)


def _number(value: str, least: str, most: str, takes: str) -> Decimal:
    try:
        number = Decimal(value.replace(",", "."))
    except InvalidOperation as e:
        raise BadSettingError(f"{value!r} is no number: {takes}") from e
    if not number.is_finite() or not Decimal(least) <= number <= Decimal(most):
        raise BadSettingError(f"{value} is out of range: {takes}")
    rounded = number.quantize(Decimal("0.01"))
    if rounded != number:
        raise BadSettingError(f"{value} has more than two decimals: {takes}")
    return rounded


def _span(value: str) -> QuietHours:
    first, _, last = value.partition("-")
    return QuietHours(_minute(first), _minute(last))


def _minute(value: str) -> int:
    hour, _, minute = value.strip().partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
        raise BadSettingError("quiet hours are like 22:00-06:00, or off")
    return (int(hour) * 60 + int(minute)) % _MINUTES


def _preferring(chosen: Chosen, **changes: object) -> Chosen:
    return replace(chosen, preferences=replace(chosen.preferences, **changes))  # type: ignore[arg-type]


def _planning(chosen: Chosen, **changes: object) -> Chosen:
    return _preferring(chosen, choice=replace(chosen.preferences.choice, **changes))  # type: ignore[arg-type]


_CHANGES: Mapping[str, Callable[[Chosen, str, Chosen], Chosen]] = {
    "lots": _lots,
    "time_zone": _time_zone,
    "balance": _balance,
    "risk_percent": _risk_percent,
    "daily_loss_percent": _daily_loss,
    "quiet_hours": _quiet_hours,
    "targets": _targets,
    "break_even": _switch("break_even"),
    "trailing": _switch("trailing"),
    "tightening": _switch("tightening"),
    "time_limit_min": _time_limit,
    **{f"notify_{kind}": _notices(kind) for kind in Kind},
    "dashboard": _dashboard,
}
