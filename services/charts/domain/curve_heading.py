"""The lines over an equity curve: whose it is, of which time, and the figures that its text tells too."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from contracts.messages import CurveFigures, CurveSubject, DrawCurve
from services.charts.domain import canvas
from services.charts.domain.amounts import UNDEFINED, number, percent
from services.charts.domain.curve_axis import span_text
from services.charts.domain.scene import Badge, Role, Span, Text
from services.charts.domain.words import words_for

Cell = tuple[str, tuple[Span, ...]]


def result_role(pnl: Decimal) -> Role:
    """Colour a result: won, lost, or neither."""
    if pnl == 0:
        return Role.MUTED
    return Role.UP if pnl > 0 else Role.DOWN


def badge(wish: DrawCurve) -> Badge:
    """Write the net result large."""
    pnl = wish.figures.pnl
    return Badge(f"{number(pnl, 2, wish.language, has_sign=True)} {wish.currency}", result_role(pnl), None)


def heading(wish: DrawCurve, zone: ZoneInfo) -> tuple[Text, ...]:
    """Write the title, the span, and the figures with their names over them."""
    words = words_for(wish.language)
    title = words.curve.own if wish.subject is CurveSubject.OWN else words.curve.record
    span = words.curve.all_time if wish.days is None else words.curve.days.format(days=wish.days)
    parts = [part for part in (wish.symbol, wish.strategy, span) if part]
    parts.append(span_text(wish.points, zone, words))
    return (
        _line(canvas.TITLE_Y_PX, (Span(title, Role.TEXT, is_bold=True),), canvas.SYMBOL_PX),
        _line(canvas.SPAN_Y_PX, (Span(" · ".join(parts)),), canvas.LABEL_PX),
        *(
            text
            for left_px, cell in zip(canvas.CELLS_LEFT_PX, _cells(wish), strict=True)
            for text in _cell(left_px, cell)
        ),
    )


def _line(y_px: float, spans: tuple[Span, ...], size_px: int) -> Text:
    return Text(canvas.PLOT_LEFT_PX + 8, y_px, spans, size_px)


def _cell(left_px: float, cell: Cell) -> tuple[Text, Text]:
    name, value = cell
    return (
        Text(left_px, canvas.CELL_NAME_Y_PX, (Span(name),), canvas.LABEL_PX),
        Text(left_px, canvas.CELL_VALUE_Y_PX, value, canvas.CELL_PX),
    )


def _cells(wish: DrawCurve) -> tuple[Cell, ...]:
    words, found, language = words_for(wish.language).curve, wish.figures, wish.language
    factor = UNDEFINED if found.profit_factor is None else number(found.profit_factor, 2, language)
    return (
        (words.trades, _counts(found, language)),
        (words.win_rate, _value(percent(found.win_rate, language))),
        (words.profit_factor, _value(factor)),
        (words.drawdown, _value(f"{number(found.max_drawdown, 2, language)} {wish.currency}")),
    )


def _value(text: str) -> tuple[Span, ...]:
    return (Span(text, Role.TEXT, is_bold=True),)


def _counts(found: CurveFigures, language: str) -> tuple[Span, ...]:
    """Write all trades, and beside them the won and the lost in their colours."""
    small = canvas.LABEL_PX
    return (
        Span(number(found.trades, 0, language), Role.TEXT, is_bold=True),
        Span(f"  {number(found.wins, 0, language)}", Role.UP, size_px=small),
        Span("–", Role.MUTED, size_px=small),
        Span(number(found.losses, 0, language), Role.DOWN, size_px=small),
    )
