"""The words on a picture, in the languages of the subscribers. Unknown languages read Indonesian, the default."""

from dataclasses import dataclass

from contracts.messages import ExitReason, Mode


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `months` are twelve short names; what a copier reads (BUY, SELL, TP, SL) is the same in all."""

    score: str
    volume: str
    auto: str
    manual: str
    grades: tuple[str, str, str, str]
    outcomes: dict[ExitReason, str]
    months: tuple[str, ...]
    curve: "CurveWords"

    def grade(self, strength: float) -> str:
        """Name a strength 0..1. Source: product.md section 3, Strength."""
        weak, medium, strong, very_strong = self.grades
        if strength >= 0.75:
            return very_strong
        if strength >= 0.5:
            return strong
        return medium if strength >= 0.3 else weak

    def mode(self, mode: Mode) -> str:
        """Say how a signal came about."""
        return self.auto if mode is Mode.AUTO else self.manual


@dataclass(frozen=True, slots=True)
class CurveWords:
    """What is written on an equity curve; `days` has a place for their number."""

    own: str
    record: str
    all_time: str
    days: str
    trades: str
    win_rate: str
    profit_factor: str
    drawdown: str
    balance: str
    drawdown_strip: str
    best: str
    worst: str


_ENGLISH = Words(
    score="Score",
    volume="Vol",
    auto="Auto",
    manual="Manual",
    grades=("Weak", "Medium", "Strong", "Very strong"),
    outcomes={
        ExitReason.TARGET: "TP HIT",
        ExitReason.STOP: "SL HIT",
        ExitReason.BREAK_EVEN: "BREAK-EVEN",
        ExitReason.TRAILING: "TRAILED OUT",
        ExitReason.TIME: "TIME OUT",
        ExitReason.RESET: "CLOSED",
    },
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    curve=CurveWords(
        own="Your performance",
        record="The strategies' record",
        all_time="all time",
        days="last {days} days",
        trades="Trades",
        win_rate="Win rate",
        profit_factor="Profit factor",
        drawdown="Largest drawdown",
        balance="P/L after each trade",
        drawdown_strip="Below the highest P/L",
        best="Best",
        worst="Worst",
    ),
)
_INDONESIAN = Words(
    score="Skor",
    volume="Vol",
    auto="Otomatis",
    manual="Manual",
    grades=("Lemah", "Sedang", "Kuat", "Sangat kuat"),
    outcomes={
        ExitReason.TARGET: "TP KENA",
        ExitReason.STOP: "SL KENA",
        ExitReason.BREAK_EVEN: "IMPAS",
        ExitReason.TRAILING: "TRAILING",
        ExitReason.TIME: "WAKTU HABIS",
        ExitReason.RESET: "DITUTUP",
    },
    months=("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    curve=CurveWords(
        own="Performa Anda",
        record="Rekam jejak strategi",
        all_time="semua waktu",
        days="{days} hari terakhir",
        trades="Transaksi",
        win_rate="Rasio menang",
        profit_factor="Profit factor",
        drawdown="Penurunan terbesar",
        balance="P/L setelah tiap transaksi",
        drawdown_strip="Di bawah P/L tertinggi",
        best="Terbaik",
        worst="Terburuk",
    ),
)
_LANGUAGES = {"en": _ENGLISH, "id": _INDONESIAN}


def words_for(language: str) -> Words:
    """Choose the words of a language tag such as `en` or `en-GB`."""
    return _LANGUAGES.get(language.split("-", maxsplit=1)[0].lower(), _INDONESIAN)
