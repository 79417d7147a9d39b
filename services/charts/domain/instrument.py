"""How the prices of a symbol are written and how far apart they are in pips."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instrument:
    """`digits` after the point; `pip` is its size in price, None where nobody counts in pips."""

    digits: int
    pip: float | None = None

    def price(self, value: float) -> str:
        """Write a price, without a thousands mark: people copy it into an order."""
        return f"{value:.{self.digits}f}"

    def distance(self, move: float, price: float) -> str:
        """Write a move in pips, or in percent of the price."""
        sign = "+" if move >= 0 else "−"
        if self.pip is None:
            return f"{sign}{abs(move) / price * 100:.2f}%"
        pips = abs(move) / self.pip
        return f"{sign}{pips:.1f} pips" if pips < 10 else f"{sign}{pips:.0f} pips"


def infer(prices: list[float]) -> Instrument:
    """Guess the digits of a symbol nobody described from the prices seen: at least 2, at most 5."""
    decimals = [len(f"{price:.5f}".rstrip("0").split(".")[1]) for price in prices]
    return Instrument(min(5, max([2, *decimals])))


KNOWN = {"XAUUSD": Instrument(digits=2, pip=0.10)}
"""Source: product.md section 1."""
