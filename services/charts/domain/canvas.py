"""Where things stand on the picture, in pixels from its top left corner, and how large its type is.

The sizes are chosen for a phone: the picture is shown about 390 px wide there, a third of its own width, so the
smallest type is 28 px (8.5 px there).
"""

from dataclasses import dataclass

WIDTH_PX = 1280
HEIGHT_PX = 960

PLOT_LEFT_PX = 8
PLOT_RIGHT_PX = 1058
TAG_LEFT_PX = 1070
"""Tags stand right of the plot; the gap between the two belongs to the leader lines."""

FUTURE_PX = 208
"""Room right of the last candle, where the distances of the levels are written."""

TAG_HEIGHT_PX = 42
SMALL_TAG_HEIGHT_PX = 34
NOTE_HEIGHT_PX = 32
NOTE_RIGHT_PX = PLOT_RIGHT_PX - 8

MARKER_GAP_PX = 20
"""From a candle's end to the middle of the triangle that points at it."""

SYMBOL_PX = 54
LARGE_PX = 34
TYPE_PX = 30
SMALL_PX = 28
DIGIT_HEIGHT_PX = 20
"""How tall the figures of SMALL_PX type are."""

TITLE_Y_PX = 40
OHLC_Y_PX = 97
AXIS_Y_PX = 926


@dataclass(frozen=True, slots=True)
class Frame:
    """A horizontal strip of the plot."""

    top_px: int
    bottom_px: int


PRICE = Frame(124, 648)
BALANCE = Frame(250, 690)
DRAWDOWN = Frame(706, 904)
"""The frames of an equity curve, under a higher heading."""
SPAN_Y_PX = 102
CELL_NAME_Y_PX = 160
CELL_VALUE_Y_PX = 205
CELL_PX = 46
LABEL_PX = 32
"""The smallest type on a curve, which has fewer words than a signal's chart and more room for each."""
CELLS_LEFT_PX = (16, 376, 640, 880)
"""Where the four figures over a curve begin."""

RSI = Frame(662, 776)
STOCHASTIC = Frame(790, 904)

LEGEND_PX = 40
"""Height of the legend line at the top of a frame; candles stay below it."""
VOLUME_PX = 84
"""Height of the volume bars at the bottom of the price frame; candles stay above them."""
