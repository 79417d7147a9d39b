"""What is shown in one bubble, and how it is made to fit: by leaving out what matters least, never by cutting."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import NamedTuple

from contracts.messages import Button
from services.telegram.domain.presses import Press, Verb
from services.telegram.domain.words import Html, Words, join

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

RAW_LIMIT = 32_768
"""Bytes of a text with its markup; Telegram refuses a longer one before it counts what is visible."""

_TAG = re.compile(r"<[^>]*>")
_PIECE = re.compile(r"<[^>]*>|&(?:lt|gt|amp|quot|#[0-9]+|#x[0-9a-fA-F]+);|.", re.DOTALL)
_CUT = "…"
_WORTH_A_BREAK = 0.5
"""A cut at the end of a line or a word is better than one in a word, unless half of what fits would go with it."""

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


def within(shown: Rendered, limit: int) -> Rendered:
    """Cut a text that no leaving out has made fit: at the end of a line, else of a word, never inside a tag or an
    entity; what was open is closed, and the cut shows. A text that fits stays as it is.
    """
    if visible_length(shown.html) <= limit and len(shown.html.encode()) <= RAW_LIMIT:
        return shown
    return replace(shown, html=_cut(shown.html, limit - 1))


def _cut(html: str, most: int) -> str:
    kept: list[str] = []
    opened: list[str] = []
    breaks: dict[str, tuple[int, tuple[str, ...]]] = {}
    visible = raw = 0
    for piece in _PIECE.findall(html):
        is_tag = piece.startswith("<")
        closing = sum(len(tag) + 3 for tag in opened) + len(_CUT.encode())
        if visible + (not is_tag) > most or raw + len(piece.encode()) + closing > RAW_LIMIT:
            break
        if piece in ("\n", " ") and visible >= most * _WORTH_A_BREAK:
            breaks[piece] = (len(kept), tuple(opened))
        if is_tag:
            _note_tag(piece, opened)
        kept.append(piece)
        visible += not is_tag
        raw += len(piece.encode())
    end, still_open = breaks.get("\n") or breaks.get(" ") or (len(kept), tuple(opened))
    return "".join((*kept[:end], _CUT, *(f"</{tag}>" for tag in reversed(still_open))))


def _note_tag(tag: str, opened: list[str]) -> None:
    """Note which tags are open; a closing one closes the innermost."""
    if tag.startswith("</"):
        opened.pop()
    else:
        opened.append(tag[1:-1].partition(" ")[0])


def button(words: Words, key: str, verb: Verb, argument: str = "") -> Button:
    """Make a button whose label is in the catalogue."""
    return Button(text=str(words(key)), data=Press(verb, argument).pack())
