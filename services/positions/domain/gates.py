"""The gates before a position is proposed, each with a key that tells a subscriber why there was no signal.

The market's gates are the same for everybody; the personal ones look at what a subscriber holds and was given.
Times are market time. Source: product specification, section 4, "Gates".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from contracts.messages import FeedState, Side
from services.positions.domain.instrument import Instrument
from services.positions.domain.preferences import Preferences


class Refusal(StrEnum):
    """Why a signal was not given: keys that the telegram room turns into words."""

    FEED_NOT_LIVE = "why.feed_not_live"
    SPREAD_TOO_WIDE = "why.spread_too_wide"
    SIGNAL_EXPIRED = "why.signal_expired"
    SLIPPAGE_PAUSE = "why.slippage_pause"
    POSITION_OPEN = "why.position_open"
    COOLDOWN = "why.cooldown"
    SAME_SIGNAL = "why.same_signal"
    DAILY_LOSS = "why.daily_loss"
    QUIET_HOURS = "why.quiet_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """How strict the gates are. Spans are market seconds, distances pips."""

    cooldown_s: float = 30.0
    same_side_s: float = 120.0
    same_side_pips: float = 10.0

    @property
    def memory_ms(self) -> int:
        """How far back the personal gates look, in milliseconds of market time."""
        return int(max(self.cooldown_s, self.same_side_s) * 1000)


@dataclass(frozen=True, slots=True)
class Given:
    """A signal that a subscriber was given; those that never arrived do not count."""

    side: Side
    entry: float
    quote_ms: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What is about to be proposed: at which price, on which side, at which market time."""

    side: Side
    entry: float
    quote_ms: int


def market_refusals(
    instrument: Instrument,
    *,
    feed: FeedState | None,
    spread: float,
    is_expired: bool = False,
    is_paused: bool = False,
) -> tuple[Refusal, ...]:
    """List what closes the gates for everybody. An unknown feed is not live; a spread at the limit still passes."""
    found = {
        Refusal.FEED_NOT_LIVE: feed is not FeedState.LIVE,
        Refusal.SPREAD_TOO_WIDE: instrument.pips(spread) > instrument.max_spread_pips,
        Refusal.SIGNAL_EXPIRED: is_expired,
        Refusal.SLIPPAGE_PAUSE: is_paused,
    }
    return tuple(refusal for refusal, holds in found.items() if holds)


def personal_refusals(
    rules: GateRules, instrument: Instrument, offer: Offer, *, has_position: bool, given: Sequence[Given]
) -> tuple[Refusal, ...]:
    """List what closes the gates for one subscriber, given what he got lately (any order)."""
    found = {
        Refusal.POSITION_OPEN: has_position,
        Refusal.COOLDOWN: is_cooling(rules, given, offer.quote_ms),
        Refusal.SAME_SIGNAL: any(
            one.side is offer.side and instrument.pips(abs(one.entry - offer.entry)) <= rules.same_side_pips
            for one in _within(given, offer.quote_ms, rules.same_side_s)
        ),
    }
    return tuple(refusal for refusal, holds in found.items() if holds)


def chosen_refusals(
    preferences: Preferences, *, time_zone: str, market_ms: int, day_pnl: Decimal, is_asked_for: bool = False
) -> tuple[Refusal, ...]:
    """List what a subscriber's own limits close: `day_pnl` is what he closed in his day so far. Who asks for a signal
    is awake.
    """
    limit, quiet = preferences.daily_loss_limit, preferences.quiet
    found = {
        Refusal.DAILY_LOSS: limit is not None and day_pnl <= -limit,
        Refusal.QUIET_HOURS: quiet is not None and not is_asked_for and quiet.hold(market_ms, time_zone),
    }
    return tuple(refusal for refusal, holds in found.items() if holds)


def is_cooling(rules: GateRules, given: Sequence[Given], market_ms: int) -> bool:
    """Tell whether the last signal is less than the cooldown ago."""
    return any(True for _ in _within(given, market_ms, rules.cooldown_s))


def _within(given: Sequence[Given], market_ms: int, span_s: float) -> Iterator[Given]:
    """Pick what was given less than `span_s` before `market_ms`. What is dated after it is not looked at: a market
    clock that was set back must not close the gates until it has caught up.
    """
    return (one for one in given if 0 <= market_ms - one.quote_ms < span_s * 1000)
