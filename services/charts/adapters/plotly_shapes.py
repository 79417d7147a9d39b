"""The shapes of a scene: rules, guides, zones, level lines, tags with their leaders, and the badge's box."""

from collections.abc import Iterable

from services.charts.adapters import plotly_theme as theme
from services.charts.adapters.plotly_badge import badge_shapes
from services.charts.adapters.plotly_paper import LEFT, RIGHT, Json, rect, segment, y_share
from services.charts.domain import canvas
from services.charts.domain.scene import Level, Panel, Role, Scene, Tag, Zone

_ZONE_OPACITY = (0.24, 0.19, 0.14)


def shapes(scene: Scene) -> list[Json]:
    """List the shapes from back to front."""
    return [
        *_rules(),
        *_guides(scene.rsi, "y2", Role.RSI),
        *_guides(scene.stochastic, "y3", Role.STOCH_K),
        *(_pause(index) for index in scene.pauses),
        *(_zone(zone, scene.x_high) for zone in scene.zones),
        *(_level(level, scene) for level in scene.levels),
        *(shape for tag in scene.tags for shape in tag_shapes(tag)),
        *(badge_shapes(scene.badge) if scene.badge else ()),
    ]


def _rules() -> Iterable[Json]:
    """Separate the frames by thin lines over the whole width."""
    for above, below in ((canvas.PRICE, canvas.RSI), (canvas.RSI, canvas.STOCHASTIC)):
        middle_px = (above.bottom_px + below.top_px) / 2
        yield segment((0, middle_px), (canvas.WIDTH_PX, middle_px), theme.RULE, 2)


def _guides(panel: Panel, axis: str, role: Role) -> list[Json]:
    assert panel.guides is not None
    low, high = panel.guides
    place = {"xref": "paper", "x0": LEFT, "x1": RIGHT, "yref": axis, "layer": "below"}
    line = {"color": theme.RULE, "width": 1.5, "dash": "dot"}
    return [
        place | {"type": "rect", "y0": low, "y1": high, "fillcolor": theme.faded(role, 0.09), "line": {"width": 0}},
        *(place | {"type": "line", "y0": value, "y1": value, "line": line} for value in (low, high)),
    ]


def _pause(index: int) -> Json:
    return {
        "type": "line",
        "xref": "x",
        "x0": index - 0.5,
        "x1": index - 0.5,
        "yref": "paper",
        "y0": y_share(canvas.STOCHASTIC.bottom_px),
        "y1": y_share(canvas.PRICE.top_px),
        "layer": "below",
        "line": {"color": theme.PAUSE, "width": 1.5, "dash": "dash"},
    }


def _zone(zone: Zone, x_high: float) -> Json:
    return {
        "type": "rect",
        "xref": "x",
        "x0": zone.from_index,
        "x1": x_high,
        "yref": "y",
        "y0": zone.low,
        "y1": zone.high,
        "layer": "below",
        "line": {"width": 0},
        "fillcolor": theme.faded(zone.role, _ZONE_OPACITY[min(zone.depth, len(_ZONE_OPACITY) - 1)]),
    }


def _level(level: Level, scene: Scene) -> Json:
    line = {"color": theme.COLOURS[level.role], "width": 1.6 if level.is_dotted else 2.6}
    return {
        "type": "line",
        "xref": "x",
        "x0": scene.x_low if level.from_index is None else level.from_index,
        "x1": scene.x_high,
        "yref": "y",
        "y0": level.price,
        "y1": level.price,
        "layer": "below" if level.is_dotted else "above",
        "line": line | ({"dash": "dot"} if level.is_dotted else {}),
    }


def tag_shapes(tag: Tag) -> list[Json]:
    """Fill a tag, and tie it to what it speaks of."""
    fill = theme.TAG_FILLS[tag.role]
    half_px = (canvas.SMALL_TAG_HEIGHT_PX if tag.is_small else canvas.TAG_HEIGHT_PX) / 2 - 1
    right_px = canvas.TAG_LEFT_PX + 80 if tag.is_small else canvas.WIDTH_PX
    leader = segment((canvas.PLOT_RIGHT_PX, tag.at_px), (canvas.TAG_LEFT_PX, tag.y_px), fill, 2.5)
    return [leader, rect(canvas.TAG_LEFT_PX, tag.y_px - half_px, right_px, tag.y_px + half_px, fill)]
