"""Questions and commands between rooms: request and reply with a deadline.

Each is asked on `ask.v1.<room>.<verb>`; the answer is the reply struct, or an `AskError`. None of them is stored: a
question that nobody answers in time fails at the asker, and the asker says so.
"""

import msgspec

from contracts.asks.people import (
    ChangeSetting,
    DeactivateSubscriber,
    Erased,
    EraseSubscriber,
    Exported,
    ExportSubscriber,
    GetSettings,
    GetSubscriber,
    RegisterSubscriber,
    SetAuto,
    SetLanguage,
    Settings,
    Subscriber,
)
from contracts.asks.signals import EvaluateNow, Evaluation, GetSeries, Series
from contracts.asks.statistics import GetRecord, GetStatistics, GetSystemStatistics, Statistics, SystemStatistics, Tally
from contracts.asks.trades import (
    ChartRequested,
    ClosedTrade,
    GetHistory,
    GetStatus,
    GetWhy,
    History,
    OpenPosition,
    RequestChart,
    RequestSignal,
    SignalRequested,
    Status,
    Why,
)

__all__ = [
    "AskError",
    "ChangeSetting",
    "ChartRequested",
    "ClosedTrade",
    "DeactivateSubscriber",
    "EraseSubscriber",
    "Erased",
    "EvaluateNow",
    "Evaluation",
    "ExportSubscriber",
    "Exported",
    "GetHistory",
    "GetRecord",
    "GetSeries",
    "GetSettings",
    "GetStatistics",
    "GetStatus",
    "GetSubscriber",
    "GetSystemStatistics",
    "GetWhy",
    "History",
    "OpenPosition",
    "RegisterSubscriber",
    "RequestChart",
    "RequestSignal",
    "Series",
    "SetAuto",
    "SetLanguage",
    "Settings",
    "SignalRequested",
    "Statistics",
    "Status",
    "Subscriber",
    "SystemStatistics",
    "Tally",
    "Why",
]


class AskError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a question was not answered: a code for machines (snake_case) and words for the log."""

    code: str
    message: str
