"""What the tests of the telegram room are made of."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from contracts import ids
from contracts.asks import ClosedTrade, History, OpenPosition, Statistics, Status, Subscriber, Tally
from contracts.messages import (
    ExitReason,
    FeedState,
    Interval,
    Mode,
    OutcomeNotice,
    SendClass,
    SendMessage,
    Side,
    SignalNotice,
    TextNotice,
)
from services.telegram.adapters.babel_catalogue import load_catalogue

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MARKET_MS = int(datetime(2026, 1, 5, 7, 32, 10, tzinfo=UTC).timestamp() * 1000)
POSITION = ids.position_id("s:XAUUSD:trend_pullback:auto:M1:1767598200", 77)
WORDS = load_catalogue()
INDONESIAN, ENGLISH = WORDS["id"], WORDS["en"]
PNG = b"\x89PNG picture"


def soon(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def signal_notice(**more):
    values = {
        "position_id": POSITION,
        "short_id": ids.short_id(POSITION),
        "symbol": "XAUUSD",
        "interval": Interval.M1,
        "mode": Mode.AUTO,
        "side": Side.BUY,
        "entry": 4025.5,
        "stop": 4021.4,
        "targets": (4033.91,),
        "rr": 2.05,
        "strength": 0.62,
        "lots": Decimal("0.01"),
        "risk": Decimal("4.10"),
        "pip": 0.1,
        "digits": 2,
        "reasons": (
            "reason.close_beyond_ema50.buy",
            "reason.macd_crossed.buy",
            "reason.trf_with.buy",
            "reason.rsi_pulled_back.buy",
            "reason.cerebr_with.buy",
            "reason.volume_lively.buy",
        ),
        "market_ms": MARKET_MS,
    }
    return SignalNotice(**{**values, **more})


def outcome_notice(**more):
    values = {
        "position_id": POSITION,
        "short_id": ids.short_id(POSITION),
        "symbol": "XAUUSD",
        "side": Side.BUY,
        "reason": ExitReason.TARGET,
        "entry": 4025.5,
        "exit": 4033.94,
        "slippage_pips": 0.3,
        "digits": 2,
        "pnl": Decimal("8.44"),
        "r": 2.06,
        "opened_ms": MARKET_MS,
        "closed_ms": MARKET_MS + 754_000,
        "day_pnl": Decimal("1234.5"),
        "day_trades": 3,
    }
    return OutcomeNotice(**{**values, **more})


def send(number=1, content=None, kind=SendClass.SIGNAL, **more):
    values = {
        "id": f"m:signal:p:{number}",
        "at": NOW,
        "chat_id": number,
        "subscriber_id": number,
        "kind": kind,
        "content": content if content is not None else signal_notice(),
        "language": "id",
        "time_zone": "Asia/Jakarta",
        "position_id": f"p:{number}",
    }
    return SendMessage(**{**values, **more})


def text(html="halo", **more):
    return TextNotice(html=html, **more)


def subscriber(**more):
    values = {
        "subscriber_id": 77,
        "chat_id": 77,
        "language": "id",
        "time_zone": "Asia/Jakarta",
        "auto": False,
        "lots": Decimal("0.01"),
        "active": True,
        "is_operator": False,
    }
    return Subscriber(**{**values, **more})


def open_position(**more):
    values = {
        "position_id": POSITION,
        "short_id": ids.short_id(POSITION),
        "symbol": "XAUUSD",
        "side": Side.SELL,
        "mode": Mode.MANUAL,
        "entry": 4025.5,
        "stop": 4029.6,
        "targets": (4017.1,),
        "lots": Decimal("0.01"),
        "opened_ms": MARKET_MS,
        "is_open": True,
        "price": 4022.9,
        "pnl": Decimal("2.60"),
        "r": 0.63,
    }
    return OpenPosition(**{**values, **more})


def status(**more):
    values = {
        "position": None,
        "auto": True,
        "feed": FeedState.LIVE,
        "feed_since_ms": MARKET_MS,
        "bid": 4022.7,
        "ask": 4022.9,
        "market_ms": MARKET_MS + 725_000,
        "digits": 2,
    }
    return Status(**{**values, **more})


def trade(number=1, **more):
    values = {
        "position_id": f"p:{number}",
        "short_id": ids.short_id(f"p:{number}"),
        "symbol": "XAUUSD",
        "side": Side.BUY,
        "mode": Mode.AUTO,
        "entry": 4025.5,
        "exit": 4021.35,
        "reason": ExitReason.STOP,
        "pnl": Decimal("-4.15"),
        "r": -1.01,
        "opened_ms": MARKET_MS,
        "closed_ms": MARKET_MS + 60_000,
    }
    return ClosedTrade(**{**values, **more})


def history(page=0, pages=3, **more):
    values = {
        "trades": (trade(1), trade(2, pnl=Decimal("8.44"), reason=ExitReason.TARGET, r=2.06)),
        "page": page,
        "pages": pages,
        "total": 12,
        "wins": 7,
        "losses": 4,
        "pnl": Decimal("1034.20"),
        "digits": 2,
    }
    return History(**{**values, **more})


def tally(name="auto", **more):
    """Some trades."""
    values = {"name": name, "trades": 10, "wins": 7, "losses": 3, "win_rate": 0.7, "pnl": Decimal("30.00"), "r": 4.5}
    return Tally(**{**values, **more})


def statistics(**more):
    """Twelve trades of thirty days."""
    values = {
        "days": 30, "time_zone": "Asia/Jakarta", "trades": 12, "wins": 7, "losses": 4, "win_rate": 7 / 11,
        "pnl": Decimal("1034.20"), "r": 5.1, "gross_profit": Decimal("1100.00"), "gross_loss": Decimal("65.80"),
        "profit_factor": 16.717, "expectancy": 86.1833, "expectancy_r": 0.425, "average_win": 157.14,
        "average_loss": 16.45, "best": Decimal("400.00"), "worst": Decimal("-20.00"), "max_drawdown": Decimal("31.50"),
        "max_drawdown_r": 1.5, "win_streak": 4, "loss_streak": 2, "hold_s_mean": 725.4, "hold_s_median": 600.0,
        "slippage_pips_mean": 0.1, "planned_rr": 1.55, "realised_rr": 1.31, "best_hour": 20, "worst_hour": 23,
        "by_mode": (tally(), tally("manual", trades=2, wins=0, losses=1, win_rate=0.0, pnl=Decimal("-2.00"), r=-1.0)),
        "by_side": (tally("BUY"),), "by_strategy": (tally("trend_pullback"),), "by_symbol": (tally("XAUUSD"),),
        "by_hour": (tally("20"), tally("23")),
    }  # fmt: skip
    return Statistics(**{**values, **more})


def no_trades(**more):
    """Statistics of nothing."""
    empty = dict.fromkeys(
        ("win_rate", "profit_factor", "expectancy", "expectancy_r", "average_win", "average_loss", "best", "worst",
         "hold_s_mean", "hold_s_median", "slippage_pips_mean", "planned_rr", "realised_rr", "best_hour", "worst_hour")
    )  # fmt: skip
    groups = dict.fromkeys(("by_mode", "by_side", "by_strategy", "by_symbol", "by_hour"), ())
    return statistics(trades=0, wins=0, losses=0, pnl=Decimal(0), r=0.0, **{**empty, **groups, **more})
