"""A live dashboard: one message that is edited while a trade runs, and whose last edit says how it ended.

Pure decisions on a row: what the updater does next, and what is shown. A dashboard shows the newest state only; what it
is compared by leaves out what changes by itself, the clock and the age.
"""

from dataclasses import dataclass
from enum import StrEnum

from contracts.asks import ClosedTrade, History, Status
from contracts.ids import digest
from contracts.messages import DeliveryState
from services.telegram.domain import answers, numbers, times
from services.telegram.domain.notices import result_sign
from services.telegram.domain.presses import Verb
from services.telegram.domain.rendering import Rendered, button
from services.telegram.domain.words import Html, Words, bold, code, join, safe

GAP_S = 3.0
"""Between two edits of one dashboard, from the end of one to the start of the next."""
CLAIM_S = 1.0
"""How long a claimed row is left to its claimer: how soon one is looked at again."""
SHARE = 0.25
"""Of the bot's pace, what edits may take: signals, exits and answers have no time to wait for them."""
LOOKS_PER_S = 200.0
"""What positions is asked for all dashboards together: it has other askers."""
LONGEST_LIFE_S = 24 * 3600.0
"""Telegram lets a message be edited for 48 hours; who looks a day later opens another."""
LONGEST_OPENING_S = 3600.0
"""After so long the message that was to become a dashboard does not come any more."""
STOP = "stop"


class Ending(StrEnum):
    """Why a dashboard ends."""

    STOPPED = "stopped"
    REPLACED = "replaced"
    AGED = "aged"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A row as the updater sees it.

    `message` is what became of the send that opened it, None while it is on its way, with its `message_id`; `edit` the
    same of the last edit. `is_resting`: the last edit is too fresh for another, or under way. `is_patient`: others have
    waited longer for theirs. `edits` counts what was sent after the first message, another one in its place too.
    """

    dashboard_id: str
    subscriber_id: int
    chat_id: int
    symbol: str
    language: str
    time_zone: str
    position_id: str | None = None
    shown: str = ""
    edits: int = 0
    ending: Ending | None = None
    is_final: bool = False
    age_s: float = 0.0
    message: DeliveryState | None = None
    message_id: int | None = None
    edit: DeliveryState | None = None
    has_edit: bool = False
    is_resting: bool = False
    is_patient: bool = False


class Step(StrEnum):
    """What to do with a dashboard now."""

    WAIT = "wait"
    FORGET = "forget"
    REOPEN = "reopen"
    END = "end"
    LOOK = "look"


DELIVERED = DeliveryState.DELIVERED
_GONE = frozenset({DeliveryState.VOID, DeliveryState.DEAD})


def next_step(row: Dashboard) -> Step:
    """Decide what to do: forget one whose message is gone or whose last edit is settled, end one that was told to.

    Nobody knows the number of a message whose call got lost, so it can never be edited: another takes its place, once.
    """
    if row.message is None:
        return Step.WAIT if row.age_s < LONGEST_OPENING_S else Step.FORGET
    if row.message is DeliveryState.UNKNOWN and row.ending is None and row.edits == 0:
        return Step.REOPEN
    if row.message is not DELIVERED or row.message_id is None or row.edit in _GONE:
        return Step.FORGET
    if row.is_final:
        return Step.FORGET if row.edit is not None else Step.WAIT
    if row.is_resting:
        return Step.WAIT
    return Step.END if row.ending is not None or row.age_s > LONGEST_LIFE_S else Step.LOOK


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often one is looked at, and how far apart the edits of one are that runs on; its end waits for GAP_S only."""

    look_s: float
    gap_s: float


def rhythm(live: int, per_second: float) -> Rhythm:
    """Tell the rhythm while so many are live, and the bot makes so many calls a second: more of them move slower."""
    return Rhythm(max(CLAIM_S, live / LOOKS_PER_S), max(GAP_S, live / (SHARE * per_second)))


def has_ended(row: Dashboard, found: Status) -> bool:
    """Tell whether the trade that was shown is not there any more."""
    now = found.position.position_id if found.position is not None else None
    return row.position_id is not None and now != row.position_id


def is_news(row: Dashboard, found: Status) -> bool:
    """Tell whether there is something to show that the last edit does not; one that was never shown counts for none."""
    was_shown = row.edit in (None, DELIVERED) if row.has_edit else row.message is DELIVERED
    return not was_shown or fingerprint(found) != row.shown


def fingerprint(found: Status) -> str:
    """Name what a status shows, without the clock."""
    position = found.position
    held: tuple[object, ...] = ()
    if position is not None:
        held = (
            position.position_id, position.is_open, position.stop, position.targets, position.price, position.pnl,
            position.r, position.targets_reached,
        )  # fmt: skip
    return digest((*held, found.feed, found.feed_since_ms, found.bid, found.ask))


def live(found: Status, symbol: str, words: Words, zone: str) -> Rendered:
    """Show a trade as it is now."""
    body = answers.status(found, symbol, words, zone)
    stop = button(words, "button.dash_stop", Verb.DASHBOARD, STOP)
    return Rendered(join((bold(words("dash.title", symbol=symbol)), Html(), Html(body.html))), (*body.buttons, (stop,)))


def finished(trade: ClosedTrade, digits: int, words: Words, zone: str) -> Rendered:
    """Show how the trade ended: the last edit."""
    pnl = bold(numbers.money(trade.pnl, words.language, has_sign=True))
    how = bold(words(f"exit.{trade.reason.value}"))
    prices = (code(numbers.price(price, digits)) for price in (trade.entry, trade.exit))
    lines = (
        Html(f"{result_sign(trade.pnl)} {how} · {trade.side.value} {safe(trade.symbol)}"),
        Html(f"P/L {pnl} · {numbers.multiple_of_r(trade.r, words.language)}"),
        Html(),
        Html("Entry {} → Exit {}".format(*prices)),
        words("outcome.held", span=times.span(trade.closed_ms - trade.opened_ms, words)),
        Html(f"⏱ {times.date_time(trade.closed_ms, zone, words)} · {code(f'#{trade.short_id}')}"),
        words("dash.finished"),
    )
    return Rendered(join(lines))


def ended(found: Status | None, row: Dashboard, ending: Ending, words: Words, zone: str) -> Rendered:
    """Show the last state and why the dashboard ends before its trade."""
    why = Html(f"<i>{words(f'dash.{ending.value}')}</i>")
    if found is None:
        return Rendered(join((bold(words("dash.title", symbol=row.symbol)), why)))
    return Rendered(join((Html(live(found, row.symbol, words, zone).html), Html(), why)))


def trade_of(found: History, position_id: str | None) -> ClosedTrade | None:
    """Find a trade in a page of the past ones."""
    return next((trade for trade in found.trades if trade.position_id == position_id), None)
