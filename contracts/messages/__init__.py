"""Every message that travels between rooms, as frozen structs.

Facts are named in the past tense, requests in the imperative. Each carries `id` (a pure function of the fact, so a
replay yields the same id), `at` (wall clock, aware UTC), `trace` (W3C traceparent) and `v` (the major of its topic).
Market time is a field of its own (`epoch_ms`, `open_time_s`, `quote_ms`: UTC): it decides about trading, `at` about
delivery. Prices are float in quote currency, money is Decimal, volumes count ticks.
"""

from contracts.messages.base import DeliveryState, ExitReason, FeedState, Interval, Message, Mode, SendClass, Side
from contracts.messages.charts import (
    ChartDrawn,
    ChartLevels,
    CurveFigures,
    CurveMark,
    CurvePoint,
    CurveSubject,
    DrawChart,
    DrawCurve,
)
from contracts.messages.dead_letters import DeadLetter
from contracts.messages.feed import (
    CandleClosed,
    CandleCorrected,
    CandleForming,
    FeedStateChanged,
    GapRecorded,
    Quote,
    Tick,
)
from contracts.messages.positions import (
    PositionClosed,
    PositionOpened,
    PositionProposed,
    PositionReduced,
    PositionStopMoved,
    PositionVoided,
)
from contracts.messages.signals import SignalRaised
from contracts.messages.telegram import (
    Button,
    Content,
    DeliverySettled,
    DocumentNotice,
    FeedNotice,
    OutcomeNotice,
    PauseNotice,
    PictureNotice,
    ReducedNotice,
    SendMessage,
    SignalNotice,
    StopNotice,
    SummaryNotice,
    TextNotice,
    UpdateReceived,
)

__all__ = [
    "Button",
    "CandleClosed",
    "CandleCorrected",
    "CandleForming",
    "ChartDrawn",
    "ChartLevels",
    "Content",
    "CurveFigures",
    "CurveMark",
    "CurvePoint",
    "CurveSubject",
    "DeadLetter",
    "DeliverySettled",
    "DeliveryState",
    "DocumentNotice",
    "DrawChart",
    "DrawCurve",
    "ExitReason",
    "FeedNotice",
    "FeedState",
    "FeedStateChanged",
    "GapRecorded",
    "Interval",
    "Message",
    "Mode",
    "OutcomeNotice",
    "PauseNotice",
    "PictureNotice",
    "PositionClosed",
    "PositionOpened",
    "PositionProposed",
    "PositionReduced",
    "PositionStopMoved",
    "PositionVoided",
    "Quote",
    "ReducedNotice",
    "SendClass",
    "SendMessage",
    "Side",
    "SignalNotice",
    "SignalRaised",
    "StopNotice",
    "SummaryNotice",
    "TextNotice",
    "Tick",
    "UpdateReceived",
]
