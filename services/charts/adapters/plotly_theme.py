"""The paint of a picture: colours by role, type, line widths. Dark, with the contrast a phone in the sun needs."""

from services.charts.domain.scene import Role

BACKGROUND = "#0f131c"
GRID = "#222938"
RULE = "#2c3342"
PAUSE = "#4a5263"
SHADE = "rgba(15,19,28,0.72)"
BACKDROP = "rgba(255,255,255,0.045)"

FONT = "Roboto, Inter, 'DejaVu Sans', sans-serif"
"""Roboto first: its figures are all equally wide, so prices stand under each other."""

COLOURS = {
    Role.UP: "#12b886",
    Role.DOWN: "#f5455c",
    Role.ENTRY: "#eef1f8",
    Role.LAST: "#c6ccda",
    Role.TEXT: "#f2f4f8",
    Role.MUTED: "#98a0b0",
    Role.FAINT: "#5d6577",
    Role.EMA_5: "#ffe066",
    Role.EMA_10: "#ff9f1c",
    Role.EMA_20: "#4cc9f0",
    Role.EMA_50: "#c77dff",
    Role.TRF: "#6ea0ff",
    Role.RSI: "#b69cff",
    Role.STOCH_K: "#5aa2ff",
    Role.STOCH_D: "#ffa94d",
}

TAG_FILLS = {
    Role.UP: "#0b8f6a",
    Role.DOWN: "#d92f4a",
    Role.ENTRY: "#eef1f8",
    Role.LAST: "#3b4559",
    Role.MUTED: "#4a5263",
    Role.RSI: "#7355c4",
    Role.STOCH_K: "#2563c9",
}
"""Deeper than the lines, so that white type on them reads well."""

WIDTHS_PX = {Role.EMA_5: 2.2, Role.EMA_10: 2.2, Role.EMA_20: 2.6, Role.EMA_50: 3.2}
DEFAULT_WIDTH_PX = 2.6


def faded(role: Role, opacity: float) -> str:
    """Give a role's colour with an opacity 0..1."""
    red, green, blue = (int(COLOURS[role][start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def tag_text(role: Role) -> str:
    """Choose the type colour that reads on a tag of this role."""
    return "#131722" if role is Role.ENTRY else "#ffffff"
