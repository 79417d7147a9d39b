"""The words of a scene as plotly annotations. Everything that came from outside is escaped."""

from html import escape

from services.charts.adapters import plotly_theme as theme
from services.charts.adapters.plotly_badge import badge_word
from services.charts.adapters.plotly_paper import Json, annotation
from services.charts.domain import canvas
from services.charts.domain.scene import Anchor, CurveScene, Scene, Span, Tag, Text

_BACKDROP_PX = 104
_TAG_LETTERS = 11
"""So many fit into a tag at full size: `SELL4012.34`."""


def annotations(scene: Scene | CurveScene) -> list[Json]:
    """List all words, the backdrop first, so that all others stand over it."""
    badge = [badge_word(scene.badge)] if scene.badge else []
    frame = canvas.BALANCE if isinstance(scene, CurveScene) else canvas.PRICE
    texts = [_text(text) for text in (*scene.texts, *scene.notes)]
    return [_backdrop(scene.backdrop, frame), *texts, *(_tag(tag) for tag in scene.tags), *badge]


def _backdrop(words: str, frame: canvas.Frame) -> Json:
    x_px = (canvas.PLOT_LEFT_PX + canvas.PLOT_RIGHT_PX) / 2
    y_px = (frame.top_px + frame.bottom_px) / 2
    return annotation((x_px, y_px), Anchor.CENTRE, escape(words), _BACKDROP_PX, theme.BACKDROP)


def _text(text: Text) -> Json:
    words = "".join(_span(span) for span in text.spans)
    return annotation((text.x_px, text.y_px), text.anchor, words, text.size_px, theme.COLOURS[text.spans[0].role]) | (
        {"bgcolor": theme.SHADE} if text.is_backed else {}
    )


def _tag(tag: Tag) -> Json:
    words = f"<b>{escape(tag.name)}</b> {escape(tag.value)}" if tag.name else escape(tag.value)
    colour = theme.tag_text(tag.role)
    size_px = canvas.SMALL_PX if tag.is_small else _fitting_px(len(tag.name) + len(tag.value))
    return annotation((canvas.TAG_LEFT_PX + 8, tag.y_px), Anchor.LEFT, words, size_px, colour)


def _fitting_px(letters: int) -> int:
    """Shrink the type of a tag whose words would run over the picture's edge."""
    return min(canvas.TYPE_PX, canvas.TYPE_PX * _TAG_LETTERS // max(1, letters))


def _span(span: Span) -> str:
    size = f"font-size:{span.size_px}px;" if span.size_px else ""
    words = f'<span style="{size}color:{theme.COLOURS[span.role]}">{escape(span.text)}</span>'
    return f"<b>{words}</b>" if span.is_bold else words
