"""Bytes and structs: JSON by msgspec, validated on the way in."""

from typing import TypeVar

import msgspec

T = TypeVar("T")

_encoder = msgspec.json.Encoder(decimal_format="string")
_decoders: dict[object, msgspec.json.Decoder[object]] = {}


class MalformedError(ValueError):
    """The bytes are not the message they claim to be."""


def encode(message: object) -> bytes:
    """Write a struct as JSON."""
    return _encoder.encode(message)


def decode(body: bytes, kind: type[T]) -> T:
    """Read and validate a struct.

    Raises:
        MalformedError: not JSON, a field missing or of the wrong type; says which.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(body)  # type: ignore[return-value]  # the decoder was made for this type
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as e:
        raise MalformedError(f"not a {getattr(kind, '__name__', kind)}: {e}") from e
