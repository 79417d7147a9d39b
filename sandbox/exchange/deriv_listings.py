"""Deriv's answers about its market: active_symbols, trading_times, website_status, each as its dialect writes them."""

from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from sandbox.exchange import sessions
from sandbox.exchange.deriv_requests import Dialect
from sandbox.exchange.market import Market
from sandbox.exchange.symbols import LISTINGS, Listing

TRADING_DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri"]
CLOSED_ALL_DAY: dict[str, Any] = {"open": ["--"], "close": ["--"], "settlement": "--"}


def active_symbols(market: Market, dialect: Dialect, detail: str) -> list[dict[str, Any]]:
    """List the venue's symbols; `detail` is `brief` or `full`. A symbol the tape does not quote is suspended."""
    is_open = market.is_open()
    if dialect is Dialect.NEW:
        return [_new_symbol(listing, market, is_open=is_open) for listing in LISTINGS]
    symbols = [_legacy_symbol(listing, market, order, is_open=is_open) for order, listing in enumerate(LISTINGS)]
    return [{**item, **_full(market, item)} for item in symbols] if detail == "full" else symbols


def _state(listing: Listing, market: Market, *, is_open: bool) -> dict[str, Any]:
    return {
        "exchange_is_open": int(is_open),
        "is_trading_suspended": int(listing.instrument != market.instrument),
        "market": listing.market,
        "submarket": listing.submarket,
        "subgroup": "none",
    }


def _new_symbol(listing: Listing, market: Market, *, is_open: bool) -> dict[str, Any]:
    return {
        **_state(listing, market, is_open=is_open),
        "pip_size": listing.pip,
        "trade_count": 0,
        "underlying_symbol": listing.symbol,
        "underlying_symbol_name": listing.name,
        "underlying_symbol_type": listing.market,
    }


def _legacy_symbol(listing: Listing, market: Market, order: int, *, is_open: bool) -> dict[str, Any]:
    return {
        **_state(listing, market, is_open=is_open),
        "allow_forward_starting": 0,
        "display_name": listing.name,
        "display_order": order,
        "market_display_name": listing.market_name,
        "pip": listing.pip,
        "subgroup_display_name": "None",
        "submarket_display_name": listing.submarket_name,
        "symbol": listing.symbol,
        "symbol_type": listing.market,
    }


def _full(market: Market, item: dict[str, Any]) -> dict[str, Any]:
    details = {
        "delay_amount": 0,
        "exchange_name": "FOREX",
        "intraday_interval_minutes": 5,
        "quoted_currency_symbol": "USD",
    }
    spot = None if item["is_trading_suspended"] else market.latest()
    return {**details, "spot": spot.quote if spot else None}


def trading_times(market: Market, dialect: Dialect, day_text: str) -> dict[str, Any]:
    """Tell the opening hours of one UTC day, `yyyy-mm-dd` or `today`."""
    if day_text == "today":
        day = datetime.fromtimestamp(market.now_ms() / 1000, UTC).date()
    else:
        day = date(*(int(part) for part in day_text.split("-")))
    markets = [
        {"name": market_name, "submarkets": _submarkets(list(listings), dialect, day)}
        for market_name, listings in groupby(LISTINGS, key=lambda listing: listing.market_name)
    ]
    return {"markets": markets}


def _submarkets(listings: list[Listing], dialect: Dialect, day: date) -> list[dict[str, Any]]:
    return [
        {"name": name, "symbols": [_times(listing, dialect, day) for listing in found]}
        for name, found in groupby(listings, key=lambda listing: listing.submarket_name)
    ]


def _times(listing: Listing, dialect: Dialect, day: date) -> dict[str, Any]:
    hours = sessions.opening_hours(day)
    times = {
        "open": [opened.strftime("%H:%M:%S") for opened, _ in hours],
        "close": [closed.strftime("%H:%M:%S") for _, closed in hours],
        "settlement": "23:59:59",
    }
    return {
        "name": listing.name,
        "symbol" if dialect is Dialect.LEGACY else "underlying_symbol": listing.symbol,
        "times": times if hours else CLOSED_ALL_DAY,
        "trading_days": TRADING_DAYS,
        "events": [{"dates": "Fridays", "descrip": f"Closes early (at {_friday_close(day)})"}],
    }


def _friday_close(day: date) -> str:
    friday = day + timedelta(days=4 - day.weekday())
    return sessions.opening_hours(friday)[-1][1].strftime("%H:%M")


def website_status() -> dict[str, Any]:
    """Tell that the site is up, with the limits it announces. The legacy dialect only."""
    budget = {"applies_to": "rest of calls", "hourly": 14400, "minutely": 220}
    dollar = {
        "fractional_digits": 2,
        "is_deposit_suspended": 0,
        "is_suspended": 0,
        "is_withdrawal_suspended": 0,
        "stake_default": 10,
        "transfer_between_accounts": {"fees": {}, "limits": None},
        "type": "fiat",
    }
    return {
        "api_call_limits": {
            "max_proposal_subscription": {"applies_to": "subscribing to proposal concurrently", "max": 5},
            "max_requestes_general": budget,
            "max_requests_outcome": {**budget, "applies_to": "portfolio, statement and proposal_open_contract"},
            "max_requests_pricing": {**budget, "applies_to": "proposal and proposal_open_contract"},
        },
        "currencies_config": {"USD": dollar},
        "site_status": "up",
        "supported_languages": ["EN", "ID"],
    }
