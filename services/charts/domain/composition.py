"""Puts a scene together from a picture's request: the one entry into this room's domain."""

from bisect import bisect_right

from contracts.asks import Series
from contracts.messages import ChartLevels
from services.charts.domain import canvas, heading, oscillators, trade
from services.charts.domain.request import Picture, check
from services.charts.domain.scale import Scale, fit, round_values
from services.charts.domain.scene import (
    Anchor,
    Band,
    Candles,
    Curve,
    Level,
    Marker,
    Panel,
    Role,
    Scene,
    Span,
    Tag,
    Text,
    ValueTick,
)
from services.charts.domain.time_axis import local, pauses, time_ticks, zone_name
from services.charts.domain.words import words_for

_AVERAGES = (Role.EMA_50, Role.EMA_20, Role.EMA_10, Role.EMA_5)
"""Drawn in this order, so that the fastest lies on top."""
_MIN_SLOTS = 40
"""A few candles are drawn as if there were this many, else they would be as broad as bricks."""
_PRICED = ("ema_5", "ema_10", "ema_20", "ema_50", "trf_upper", "trf_lower")
_CURVE_STRETCH = 0.3
_LEVEL_STRETCH = 1.5
"""How far curves and levels may widen the price range on each side, in ranges of the candles. A level beyond it has
its tag at the edge."""
_TIME_LABEL_PX = 150


def compose(picture: Picture) -> Scene:
    """Compose the whole scene.

    Raises:
        NothingToDrawError: the series is empty.
        BrokenSeriesError: the series cannot be drawn.
    """
    series = picture.series
    check(series)
    x_low, x_high = _index_range(len(series.open_time_s), has_levels=picture.levels is not None)
    scale = _price_scale(series, picture.levels)
    tags = trade.tags(_marks(picture), scale, picture.instrument)
    rsi, rsi_caption, rsi_tags = oscillators.rsi_panel(series)
    stochastic, stochastic_caption, stochastic_tags = oscillators.stochastic_panel(series)
    start = _start(picture)
    levels = picture.levels
    texts = (heading.title(picture), heading.ohlc(picture), heading.legend(picture), rsi_caption, stochastic_caption)
    return Scene(
        x_low=x_low,
        x_high=x_high,
        candles=_candles(series),
        volume_high=max(1, *series.volume) * (scale.frame.bottom_px - scale.frame.top_px) / canvas.VOLUME_PX,
        price=Panel(scale, _price_ticks(scale, tags, picture), _averages(series)),
        rsi=rsi,
        stochastic=stochastic,
        band=_band(series),
        zones=trade.zones(levels, start) if levels else (),
        levels=(_last_price_line(series), *(trade.lines(levels, start) if levels else ())),
        markers=_markers(picture, start, scale),
        tags=(*tags, *rsi_tags, *stochastic_tags),
        notes=trade.notes(levels, scale, picture.instrument) if levels else (),
        texts=(*texts, *_optional(heading.summary(picture)), *_signatures(picture)),
        badge=heading.badge(picture),
        time_ticks=time_ticks(
            series.open_time_s,
            picture.zone,
            words_for(picture.language),
            apart=_candles_in(_TIME_LABEL_PX, x_low, x_high),
        ),
        pauses=pauses(series.open_time_s, series.interval.seconds),
        backdrop=f"{series.symbol}, {series.interval.value}",
    )


def _candles(series: Series) -> Candles:
    return Candles(series.open, series.high, series.low, series.close, series.volume)


def _index_range(count: int, *, has_levels: bool) -> tuple[float, float]:
    """Candle indices at the plot's edges; levels need room right of the last candle."""
    slots = max(count, _MIN_SLOTS)
    free_px = canvas.FUTURE_PX if has_levels else 24
    per_px = slots / (canvas.PLOT_RIGHT_PX - canvas.PLOT_LEFT_PX - free_px)
    return count - slots - 0.5, count - 0.5 + free_px * per_px


def _candles_in(width_px: float, x_low: float, x_high: float) -> int:
    return round(width_px * (x_high - x_low) / (canvas.PLOT_RIGHT_PX - canvas.PLOT_LEFT_PX))


def _price_scale(series: Series, levels: ChartLevels | None) -> Scale:
    """Show all candles and, as far as that does not flatten them, the curves and the levels."""
    low, high = min(series.low), max(series.high)
    span = max(high - low, high * 1e-4)
    curves = [value for name in _PRICED for value in series.indicators.get(name, ()) if value is not None]
    wanted = [levels.entry, levels.stop, *levels.targets] if levels else []
    reaches = [(curves, span * _CURVE_STRETCH), (wanted, span * _LEVEL_STRETCH)]
    return fit(
        min([low, *(max(min(values), low - reach) for values, reach in reaches if values)]),
        max([high, *(min(max(values), high + reach) for values, reach in reaches if values)]),
        canvas.PRICE,
        above_px=canvas.LEGEND_PX + 8,
        below_px=canvas.VOLUME_PX + 12,
    )


def _price_ticks(scale: Scale, tags: tuple[Tag, ...], picture: Picture) -> tuple[ValueTick, ...]:
    reach_px = (canvas.TAG_HEIGHT_PX + canvas.DIGIT_HEIGHT_PX) / 2
    ticks = []
    for value in round_values(scale.low, scale.high, about=6):
        at_px = scale.px(value)
        is_covered = any(abs(tag.y_px - at_px) < reach_px for tag in tags)
        is_cut = min(at_px - scale.frame.top_px, scale.frame.bottom_px - at_px) < canvas.SMALL_PX / 2
        ticks.append(ValueTick(value, "" if is_covered or is_cut else picture.instrument.price(value)))
    return tuple(ticks)


def _averages(series: Series) -> tuple[Curve, ...]:
    return tuple(Curve(role, series.indicators[role.value]) for role in _AVERAGES if role.value in series.indicators)


def _band(series: Series) -> Band | None:
    upper, lower = series.indicators.get("trf_upper"), series.indicators.get("trf_lower")
    return Band(Role.TRF, upper, lower) if upper is not None and lower is not None else None


def _marks(picture: Picture) -> tuple[trade.Mark, ...]:
    """The last price has a tag of its own unless the entry tag says the same number."""
    marked = trade.marks(picture.levels) if picture.levels else ()
    close = picture.series.close[-1]
    text = picture.instrument.price(close)
    if any(picture.instrument.price(mark.price) == text for mark in marked):
        return marked
    return *marked, trade.Mark("", close, Role.LAST)


def _last_role(series: Series) -> Role:
    return Role.UP if series.close[-1] >= series.open[-1] else Role.DOWN


def _last_price_line(series: Series) -> Level:
    return Level(_last_role(series), series.close[-1], None, is_dotted=True)


def _start(picture: Picture) -> int:
    """The index of the candle the trade began on: the signal's, which is the last, or the one it opened in."""
    times_s = picture.series.open_time_s
    return len(times_s) - 1 if picture.outcome is None else _index_at(times_s, picture.outcome.opened_s)


def _index_at(times_s: list[int], epoch_s: int) -> int:
    return max(0, bisect_right(times_s, epoch_s) - 1)


def _markers(picture: Picture, start: int, scale: Scale) -> tuple[Marker, ...]:
    series, outcome = picture.series, picture.outcome
    if picture.levels is None:
        return ()
    entry = trade.signal_marker(picture.levels.side, start, _candles(series), scale)
    if outcome is None:
        return (entry,)
    return entry, trade.exit_marker(outcome, _index_at(series.open_time_s, outcome.closed_s))


def _signatures(picture: Picture) -> tuple[Text, ...]:
    """The zone's name beside the time axis, and the watermark."""
    moment = local(picture.series.open_time_s[-1], picture.zone)
    zone = Text(canvas.TAG_LEFT_PX, canvas.AXIS_Y_PX, (Span(zone_name(moment)),), canvas.SMALL_PX)
    mark = Text(
        canvas.NOTE_RIGHT_PX,
        canvas.RSI.top_px + 18,
        (Span(picture.watermark, Role.FAINT),),
        canvas.SMALL_PX,
        Anchor.RIGHT,
    )
    return (zone, mark) if picture.watermark else (zone,)


def _optional(text: Text | None) -> tuple[Text, ...]:
    return () if text is None else (text,)
