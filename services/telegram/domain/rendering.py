"""What is shown in one bubble, and how it is made to fit: by leaving out what matters least, never by cutting."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple

from contracts.messages import Button
from services.telegram.domain.presses import Press, Verb
from services.telegram.domain.words import Html, Words, join

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

_TAG = re.compile(r"<[^>]*>")
_PIECE = re.compile(r"(?P<tag><[^>]*>)|&[#\w]+;|.", re.DOTALL)
_ELLIPSIS = "…"
_NEAR = 200
"""Visible characters that may be given up for a cut behind a line or a word."""

Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """HTML as Telegram reads it, and the buttons under it, row by row."""

    html: str
    buttons: Keyboard = ()

    def __post_init__(self) -> None:
        """Hold plain text: messages carry no class of ours."""
        object.__setattr__(self, "html", str(self.html))


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a message. The higher `sacrifice`, the earlier they are left out; 0 is never left out."""

    html: Html
    sacrifice: int = 0


class Cut(NamedTuple):
    """Where a text may end; the better, the greater: behind a line, then the later. `kept` visible characters stand
    before it, and `opened` tags are open.
    """

    is_line_end: bool
    place: int
    kept: int
    opened: tuple[str, ...]


def visible_length(html: str) -> int:
    """Count what Telegram counts: code points after the markup is gone."""
    return len(unescape(_TAG.sub("", html)))


def fit(blocks: Sequence[Block], limit: int) -> Html:
    """Join blocks by line ends, leaving out the most expendable ones (the last first) until it fits."""
    kept = list(blocks)
    while visible_length(text := join(block.html for block in kept)) > limit:
        place = max(range(len(kept)), key=lambda n: (kept[n].sacrifice, n))
        if kept[place].sacrifice == 0:
            break
        del kept[place]
    return text


def shorten(html: str, limit: int) -> str:
    """Cut markup to `limit` visible characters: behind a line where one ends near, else behind a word; never inside a
    tag or an entity. What is open is closed, and an ellipsis says that there was more.
    """
    if visible_length(html) <= limit:
        return html
    kept, whole = 0, Cut(False, 0, 0, ())
    opened: tuple[str, ...] = ()
    cuts: list[Cut] = []
    for piece in _PIECE.finditer(html):
        if piece["tag"]:
            opened = _after_tag(opened, piece["tag"])
            continue
        if piece[0].isspace():
            cuts.append(Cut(piece[0] == "\n", piece.start(), kept, opened))
        if kept + len(unescape(piece[0])) > limit - len(_ELLIPSIS):
            break
        kept += len(unescape(piece[0]))
        whole = Cut(False, piece.end(), kept, opened)
    cut = max((cut for cut in cuts if kept - cut.kept <= _NEAR), default=whole)
    return html[: cut.place] + _ELLIPSIS + "".join(f"</{name}>" for name in reversed(cut.opened))


def _after_tag(opened: tuple[str, ...], tag: str) -> tuple[str, ...]:
    """Tell which tags are open behind a tag."""
    name = tag.strip("</>").split()[0]
    return opened[:-1] if tag.startswith("</") else (*opened, name)


def button(words: Words, key: str, verb: Verb, argument: str = "") -> Button:
    """Make a button whose label is in the catalogue."""
    return Button(text=str(words(key)), data=Press(verb, argument).pack())
