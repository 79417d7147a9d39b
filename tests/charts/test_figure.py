"""The figure: plotly's own schema accepts it, foreign words cannot become markup, a scene gives one figure."""

import json

import msgspec
import plotly.graph_objects as go
import pytest

from contracts.messages import ExitReason
from services.charts.adapters import plotly_theme as theme
from services.charts.adapters.plotly_curve import curve_figure
from services.charts.adapters.plotly_figure import figure
from services.charts.domain.composition import compose
from services.charts.domain.curve import compose_curve
from services.charts.domain.request import Outcome
from services.charts.domain.sample import sample_picture
from services.charts.domain.scene import Role, Scene
from tests.charts.browsers import buy_scene, many_targets_scene, plain_scene
from tests.charts.builders import START_S, levels, picture, series, wave
from tests.charts.curves import curve_picture, results, wandering


def test_the_sample_shows_all_a_picture_can():
    scene = compose(sample_picture())

    assert scene.badge is not None
    assert len(scene.price.curves) == 4
    assert scene.band is not None
    assert len(scene.zones) == 2


def result_scene() -> Scene:
    shown = series(wave(220))
    ended = Outcome(ExitReason.BREAK_EVEN, shown.open_time_s[40], shown.open_time_s[60], shown.close[40], 0.0)
    return compose(picture(shown, levels=levels(shown.close[40]), outcome=ended))


@pytest.mark.parametrize("pnls", [results("3.00"), results("-2.00", "1.00"), wandering(700)])
def test_plotly_accepts_every_attribute_of_a_curve(pnls):
    drawn = curve_figure(compose_curve(curve_picture(pnls)))

    accepted = go.Figure(drawn).to_dict()

    assert len(accepted["data"]) == len(drawn["data"])
    assert len(accepted["layout"]["shapes"]) == len(drawn["layout"]["shapes"])
    assert len(accepted["layout"]["annotations"]) == len(drawn["layout"]["annotations"])


def test_words_from_outside_cannot_become_markup_on_a_curve():
    scene = compose_curve(curve_picture(results("3.00"), strategy='<a href="x">&', currency="<b>"))

    text = msgspec.json.encode(curve_figure(scene)).decode()

    assert "<a" not in text
    assert "&lt;a href=&quot;x&quot;&gt;&amp;" in text
    assert "3,00 &lt;b&gt;" in text


@pytest.mark.parametrize("scene", [buy_scene(), plain_scene(), many_targets_scene(), result_scene()])
def test_plotly_accepts_every_attribute(scene):
    drawn = figure(scene)

    accepted = go.Figure(drawn).to_dict()

    assert len(accepted["data"]) == len(drawn["data"])
    assert len(accepted["layout"]["shapes"]) == len(drawn["layout"]["shapes"])
    assert len(accepted["layout"]["annotations"]) == len(drawn["layout"]["annotations"])


def test_a_figure_is_json_of_moderate_size():
    text = msgspec.json.encode(figure(buy_scene()))

    assert json.loads(text)["layout"]["width"] == 1280
    assert len(text) < 100_000


def test_words_from_outside_cannot_become_markup():
    shown = msgspec.structs.replace(series(wave(60)), symbol='<a href="x">&')

    text = msgspec.json.encode(figure(compose(picture(shown, watermark="<b>")))).decode()

    assert "<a" not in text
    assert "&lt;a href=&quot;x&quot;&gt;&amp;" in text
    assert "&lt;b&gt;" in text


def test_every_role_has_a_colour_and_every_tag_a_fill():
    assert set(theme.COLOURS) == set(Role)
    for scene in (buy_scene(), plain_scene(), many_targets_scene(), result_scene()):
        assert {tag.role for tag in scene.tags} <= set(theme.TAG_FILLS)
        assert scene.badge is None or scene.badge.role in theme.TAG_FILLS


def test_a_tag_with_a_long_price_uses_smaller_type():
    shown = series(wave(120))
    high = msgspec.structs.replace(
        shown,
        **{name: [value + 120_000 for value in getattr(shown, name)] for name in ("open", "high", "low", "close")},
        indicators={},
    )

    words = {
        each["text"]: each["font"]["size"]
        for each in figure(compose(picture(high, levels=levels(high.close[-1]))))["layout"]["annotations"]
    }
    usual = {
        each["text"]: each["font"]["size"]
        for each in figure(compose(picture(shown, levels=levels(shown.close[-1]))))["layout"]["annotations"]
    }

    assert min(size for text, size in words.items() if text.startswith("<b>BUY</b> ")) < min(
        size for text, size in usual.items() if text.startswith("<b>BUY</b> ")
    )


def test_a_result_without_a_direction_has_no_triangle():
    ended = Outcome(ExitReason.TIME, START_S, START_S, 4000.0, -0.4)

    shapes = figure(compose(picture(levels=None, outcome=ended)))["layout"]["shapes"]

    assert not any(shape["type"] == "path" for shape in shapes)
