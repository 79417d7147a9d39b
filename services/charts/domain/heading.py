"""The lines above the candles: symbol, interval, time, the last candle's prices, direction and strength."""

from services.charts.domain import canvas
from services.charts.domain.request import Picture
from services.charts.domain.scene import Anchor, Badge, Role, Span, Text
from services.charts.domain.time_axis import day_text, local, zone_name
from services.charts.domain.trade import result_role
from services.charts.domain.words import Words, words_for


def title(picture: Picture) -> Text:
    """Write symbol, interval, and the time the last candle closed, in the reader's zone."""
    series = picture.series
    moment = local(series.open_time_s[-1] + series.interval.seconds, picture.zone)
    when = f"{day_text(moment, words_for(picture.language))} {moment:%H:%M} {zone_name(moment)}"
    return Text(
        canvas.PLOT_LEFT_PX + 8,
        canvas.TITLE_Y_PX,
        (
            Span(series.symbol, Role.TEXT, is_bold=True, size_px=canvas.SYMBOL_PX),
            Span(f"  {series.interval.value} · {when}", Role.MUTED),
        ),
        canvas.LARGE_PX,
    )


def ohlc(picture: Picture) -> Text:
    """Write the last candle's prices in its colour, and its change against the close before it."""
    series = picture.series
    prices = (series.open[-1], series.high[-1], series.low[-1], series.close[-1])
    role = Role.UP if prices[3] >= prices[0] else Role.DOWN
    spans = []
    for name, price in zip("OHLC", prices, strict=True):
        spans += [Span(f"{name} "), Span(f"{picture.instrument.price(price)}  ", role)]
    return Text(canvas.PLOT_LEFT_PX + 8, canvas.OHLC_Y_PX, tuple(spans), canvas.TYPE_PX)


def badge(picture: Picture) -> Badge | None:
    """Say the direction, or how the trade ended."""
    if picture.outcome is not None:
        return Badge(words_for(picture.language).outcomes[picture.outcome.reason], result_role(picture.outcome), None)
    if picture.levels is None:
        return None
    is_buy = picture.levels.side.sign > 0
    return Badge(picture.levels.side.value, Role.UP if is_buy else Role.DOWN, is_buy)


def summary(picture: Picture) -> Text | None:
    """Write what the signal is worth, or what the trade brought, under the badge."""
    if picture.outcome is not None:
        move = (picture.outcome.exit - picture.levels.entry) * picture.levels.side.sign if picture.levels else None
        spans = _result(picture, move, picture.outcome.r)
    elif picture.levels is not None:
        spans = _worth(picture, words_for(picture.language))
    else:
        return None
    return Text(canvas.WIDTH_PX - 12, canvas.OHLC_Y_PX, spans, canvas.TYPE_PX, Anchor.RIGHT)


def _worth(picture: Picture, words: Words) -> tuple[Span, ...]:
    assert picture.levels is not None
    levels = picture.levels
    how = f"{words.score} " if levels.score is not None else ""
    amount = str(levels.score) if levels.score is not None else words.mode(levels.mode)
    return (
        Span(how, Role.MUTED),
        Span(amount, Role.TEXT, is_bold=True),
        Span("  ·  ", Role.MUTED),
        Span(words.grade(levels.strength), Role.TEXT, is_bold=True),
        Span("  ·  R:R ", Role.MUTED),
        Span(f"1:{levels.rr:.2f}".rstrip("0").rstrip("."), Role.TEXT, is_bold=True),
    )


def _result(picture: Picture, move: float | None, r: float) -> tuple[Span, ...]:
    role = Role.UP if r > 0 else Role.DOWN if r < 0 else Role.TEXT
    multiple = Span(f"{r:+.1f}R".replace("-", "−"), role, is_bold=True)
    if move is None:
        return (multiple,)
    distance = picture.instrument.distance(move, picture.series.close[-1])
    return Span(distance, role, is_bold=True), Span("  ·  "), multiple


def legend(picture: Picture) -> Text:
    """Name the curves over the candles in their colours, and the last candle's volume."""
    averages = (Role.EMA_5, Role.EMA_10, Role.EMA_20, Role.EMA_50)
    shown = [role for role in averages if role.value in picture.series.indicators]
    spans = [Span("EMA")] if shown else []
    spans += [Span(f" {role.value.removeprefix('ema_')}", role, is_bold=True) for role in shown]
    if "trf_upper" in picture.series.indicators:
        spans.append(Span("   TRF", Role.TRF, is_bold=True))
    volume = words_for(picture.language).volume
    spans.append(Span(f"{'   ' if spans else ''}{volume} {picture.series.volume[-1]}"))
    return Text(canvas.PLOT_LEFT_PX + 8, canvas.PRICE.top_px + 22, tuple(spans), canvas.SMALL_PX, is_backed=True)
