"""Broken frames, one of each kind in turn: what a client must count and drop without falling over."""

import msgspec

from sandbox.exchange.day_sheet import Spot

KINDS = (
    "not_json",
    "no_quote",
    "crossed",
    "negative",
    "jump",
    "unknown_symbol",
    "backwards",
    "not_an_object",
    "text_price",
)


def garbage(number: int, base: dict[str, object], tick: dict[str, object], spot: Spot) -> bytes:
    """Word broken frame `number`: a tick of a stream (`base` its envelope) with one thing wrong."""
    kind = KINDS[number % len(KINDS)]
    if kind == "not_json":
        return b'{"msg_type": "tick", "tick": {"ask": '
    if kind == "not_an_object":
        return b"[1, null]"
    if kind == "no_quote":
        broken = {key: value for key, value in tick.items() if key not in ("bid", "ask", "quote")}
    else:
        broken = {**tick, **_wrong_values(kind, spot)}
    return msgspec.json.encode({**base, "msg_type": "tick", "tick": broken})


def _wrong_values(kind: str, spot: Spot) -> dict[str, object]:
    if kind == "crossed":
        return {"bid": round(spot.ask + 1.0, 3), "ask": spot.bid}
    if kind == "negative":
        return {"bid": -spot.bid, "ask": -spot.ask, "quote": -spot.quote}
    if kind == "jump":
        return {"bid": round(spot.bid * 1.5, 3), "ask": round(spot.ask * 1.5, 3), "quote": round(spot.quote * 1.5, 3)}
    if kind == "unknown_symbol":
        return {"symbol": "frxNOTHING"}
    if kind == "backwards":
        return {"epoch": spot.epoch - 3600}
    return {"bid": str(spot.bid), "ask": "a lot"}
