"""What Deriv accepts, in its two dialects: every call, every property, every value it may have.

Stricter nowhere than the published request schemas, looser nowhere either; the checks are our own, since the schemas
carry no licence. Source: the Draft-4 schemas of the legacy v3 API and of the new Options API (2026-06).
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from enum import Enum
from typing import Any

import msgspec

Check = Callable[[Any], bool]
Request = dict[str, Any]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GRANULARITIES = {60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400}
SYMBOL = re.compile(r"^\w{2,30}$", re.ASCII)
STREAM_ID = re.compile(r"^[\w-]{32,128}$", re.ASCII)
END = re.compile(r"^(latest|[0-9]{1,10})$")
DAY = re.compile(r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$")
CONTRACT_TYPES = _words(
    "HIGHER LOWER MULTUP MULTDOWN UPORDOWN EXPIRYRANGE ONETOUCH CALLE ASIAND EXPIRYRANGEE DIGITDIFF DIGITMATCH "
    "DIGITOVER PUTE DIGITUNDER NOTOUCH CALL RANGE DIGITODD PUT ASIANU EXPIRYMISSE EXPIRYMISS DIGITEVEN TICKHIGH "
    "TICKLOW RESETCALL RESETPUT RUNHIGH RUNLOW ACCU VANILLALONGCALL VANILLALONGPUT TURBOSLONG TURBOSSHORT"
)
LEGACY_CONTRACT_TYPES = (CONTRACT_TYPES - {"HIGHER", "LOWER"}) | _words(
    "LBHIGHLOW LBFLOATPUT LBFLOATCALL CALLSPREAD PUTSPREAD"
)
LANDING_COMPANIES = {"iom", "malta", "maltainvest", "svg", "virtual", "vanuatu"}
BARRIERS = {"american", "asian", "euro_atm", "euro_non_atm", "non_financial", "lookback", "reset"}
STREAM_TYPES = _words("balance candles cashier_payments proposal proposal_open_contract ticks transaction")
LEGACY_STREAM_TYPES = STREAM_TYPES | _words(
    "p2p_advert p2p_advertiser p2p_order trading_platform_asset_listing website_status p2p_settings crypto_estimations"
)


class Dialect(Enum):
    """The two ways Deriv speaks."""

    LEGACY = "legacy"
    NEW = "new"


class DerivError(Exception):
    """A refusal as Deriv words it. `code` and `message` go into the error envelope, `call` is its msg_type."""

    def __init__(self, code: str, message: str, call: str = "error") -> None:
        """Word a refusal."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.call = call


def _one(value: Any) -> bool:
    return type(value) is int and value == 1


def _whole(value: Any) -> bool:
    return type(value) is int


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _text(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _among(allowed: Collection[Any]) -> Check:
    return lambda value: type(value) in (str, int) and value in allowed


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(check(item) for item in value)


def _either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _is_day(value: Any) -> bool:
    if value == "today":
        return True
    match = DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        return match is not None and bool(date(*(int(part) for part in match.groups())))
    except ValueError:
        return False


def _is_start(value: Any) -> bool:
    return _whole(value) and 0 <= value <= 9_999_999_999


def _is_count(value: Any) -> bool:
    return _whole(value) and value >= 1


COMMON: Mapping[str, Check] = {"passthrough": _object, "req_id": _whole}
SHARED_CALLS: Mapping[str, Mapping[str, Check]] = {
    "ping": {"ping": _one},
    "time": {"time": _one},
    "ticks": {"ticks": _either(_text(SYMBOL), _list_of(_text(SYMBOL))), "subscribe": _one},
    "ticks_history": {
        "ticks_history": _text(SYMBOL),
        "adjust_start_time": _one,
        "count": _is_count,
        "end": _text(END),
        "granularity": _among(GRANULARITIES),
        "start": _is_start,
        "style": _among({"candles", "ticks"}),
        "subscribe": _one,
    },
    "forget": {"forget": _text(STREAM_ID)},
    "trading_times": {"trading_times": _is_day},
}
NEW_CALLS: Mapping[str, Mapping[str, Check]] = {
    **SHARED_CALLS,
    "active_symbols": {"active_symbols": _among({"brief", "full"}), "contract_type": _list_of(_among(CONTRACT_TYPES))},
    "forget_all": {"forget_all": _either(_among(STREAM_TYPES), _list_of(_among(STREAM_TYPES)))},
}
LEGACY_CALLS: Mapping[str, Mapping[str, Check]] = {
    **SHARED_CALLS,
    "active_symbols": {
        "active_symbols": _among({"brief", "full"}),
        "barrier_category": _list_of(_among(BARRIERS)),
        "contract_type": _list_of(_among(LEGACY_CONTRACT_TYPES)),
        "landing_company": _among(LANDING_COMPANIES),
        "landing_company_short": _among(LANDING_COMPANIES),
        "product_type": _among({"basic"}),
        "loginid": _text(re.compile(r"^[A-Za-z]+[0-9]+$")),
    },
    "forget_all": {"forget_all": _either(_among(LEGACY_STREAM_TYPES), _list_of(_among(LEGACY_STREAM_TYPES)))},
    "website_status": {"website_status": _one, "subscribe": _among({0, 1})},
}
CALLS = {Dialect.LEGACY: LEGACY_CALLS, Dialect.NEW: NEW_CALLS}
REQUIRED = {"ticks_history": ("end",)}


def parse(text: str | bytes) -> Request:
    """Read one frame. Raises DerivError where it is not a JSON object."""
    try:
        request = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        request = None
    if not isinstance(request, dict):
        raise DerivError("BadRequest", "The application sent an invalid request.")
    return request


def call_of(request: Request, dialect: Dialect) -> str:
    """Find which call a request makes. Raises DerivError for a call this dialect does not have."""
    for name in request:
        if name in CALLS[dialect]:
            return name
    raise DerivError("UnrecognisedRequest", "Unrecognised request.")


def validate(call: str, request: Request, dialect: Dialect) -> None:
    """Check every property of a request. Raises DerivError naming the properties that are wrong."""
    checks = {**COMMON, **CALLS[dialect][call]}
    if unknown := sorted(set(request) - set(checks)):
        raise _invalid(f"Properties not allowed: {', '.join(unknown)}", call)
    if missing := [name for name in REQUIRED.get(call, ()) if name not in request]:
        raise _invalid(f"Missing property: {', '.join(missing)}", call)
    if wrong := [name for name, value in request.items() if not checks[name](value)]:
        raise _invalid(", ".join(sorted(wrong)), call)


def _invalid(what: str, call: str) -> DerivError:
    return DerivError("InputValidationFailed", f"Input validation failed: {what}.", call)
