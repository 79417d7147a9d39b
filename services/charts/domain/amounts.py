"""Numbers as people read them, in their language: 1.250,75 in Indonesian, 1,250.75 in English.

The telegram room writes the text beside the picture by the same rules; a test holds the two together.
"""

from decimal import ROUND_HALF_EVEN, Decimal

UNDEFINED = "–"
_MINUS = "−"
_SEPARATORS = {"id": (".", ","), "en": (",", ".")}


def number(value: Decimal | float, digits: int, language: str, *, has_sign: bool = False) -> str:
    """Write a number, rounded half to even; with `has_sign` a gain has a plus. Zero has no sign."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    rounded = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    sign = _MINUS if rounded < 0 else "+" if has_sign and rounded > 0 else ""
    thousands, point = _SEPARATORS[written_in(language)]
    plain = f"{abs(rounded):,.{digits}f}"
    return sign + plain.replace(",", "\0").replace(".", point).replace("\0", thousands)


def percent(share: float | None, language: str) -> str:
    """Write a share of 1 in percent."""
    return UNDEFINED if share is None else f"{number(share * 100, 1, language)} %"


def written_in(language: str) -> str:
    """Choose the language whose numbers are written: Indonesian where we do not know one."""
    found = language.split("-", maxsplit=1)[0].lower()
    return found if found in _SEPARATORS else "id"
