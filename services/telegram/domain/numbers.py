"""Numbers as people read them.

Two kinds on purpose. A *price* is written as the trading terminal writes it (4025.50 in every language), because
people tap it to copy it and programs that copy signals parse it. Everything else (money, pips, R, lots) is written in
the person's language (1.250,75 in Indonesian, 1,250.75 in English).
"""

from decimal import ROUND_HALF_EVEN, Decimal

_SEPARATORS = {"id": (".", ","), "en": (",", ".")}
MINUS = "−"


def price(value: float, digits: int) -> str:
    """Write a price with the instrument's digits and a point."""
    return f"{value:.{digits}f}"


def number(value: Decimal | float, digits: int, language: str, *, has_sign: bool = False) -> str:
    """Write a number, rounded half to even; with `has_sign` a gain has a plus. Zero has no sign."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    rounded = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    sign = MINUS if rounded < 0 else "+" if has_sign and rounded > 0 else ""
    thousands, decimal = _SEPARATORS.get(language, _SEPARATORS["en"])
    plain = f"{abs(rounded):,.{digits}f}"
    return sign + plain.replace(",", "\0").replace(".", decimal).replace("\0", thousands)


def money(value: Decimal, language: str, *, has_sign: bool = False) -> str:
    """Write an amount in US dollars."""
    return f"{number(value, 2, language, has_sign=has_sign)} USD"


def multiple_of_r(value: float, language: str) -> str:
    """Write a result in units of the initial risk: +1,45R."""
    return f"{number(value, 2, language, has_sign=True)}R"


def pips(distance: float, language: str) -> str:
    """Write a distance that is in pips already, with one decimal."""
    return number(distance, 1, language)
