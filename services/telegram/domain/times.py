"""Times as people read them: in their own zone, with its label."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.telegram.domain.words import Html, Words

DEFAULT_ZONE = "Asia/Jakarta"


def zone_of(name: str) -> ZoneInfo:
    """Find a zone; a name that no database knows is read as the default."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


def local(epoch_ms: int, zone: str) -> datetime:
    """Move a UTC epoch in milliseconds into a zone."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).astimezone(zone_of(zone))


def label(moment: datetime) -> str:
    """Name the zone of a moment: WIB, CET, or UTC+7 where the zone has no letters of its own."""
    name = moment.tzname() or ""
    if name.isalpha():
        return name
    minutes = int((moment.utcoffset() or moment - moment).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")


def clock_time(epoch_ms: int, zone: str, *, has_seconds: bool = False) -> str:
    """Write a time of day: 14:32 WIB."""
    moment = local(epoch_ms, zone)
    return f"{moment:%H:%M:%S} {label(moment)}" if has_seconds else f"{moment:%H:%M} {label(moment)}"


def date_time(epoch_ms: int, zone: str, words: Words) -> Html:
    """Write a date and a time: 22 Nov 2026 14:32 WIB."""
    moment = local(epoch_ms, zone)
    month = words("months").split()[moment.month - 1]
    return Html(f"{moment.day} {month} {moment.year} {moment:%H:%M} {label(moment)}")


def day_time(epoch_ms: int, zone: str, words: Words) -> Html:
    """Write a date without its year, and a time: 22 Nov 14:32."""
    moment = local(epoch_ms, zone)
    return Html(f"{moment.day} {words('months').split()[moment.month - 1]} {moment:%H:%M}")


def day(iso: str, words: Words) -> Html:
    """Write a date that is given as YYYY-MM-DD: 22 Nov 2026."""
    it = date.fromisoformat(iso)
    return Html(f"{it.day} {words('months').split()[it.month - 1]} {it.year}")


def span(milliseconds: int, words: Words) -> Html:
    """Write how long something took, in its two largest units."""
    seconds = max(0, milliseconds) // 1000
    if seconds < 60:
        return words("span.seconds", seconds=seconds)
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return words("span.minutes", minutes=minutes, seconds=seconds)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return words("span.hours", hours=hours, minutes=minutes)
    days, hours = divmod(hours, 24)
    return words("span.days", days=days, hours=hours)
