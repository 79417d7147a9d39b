"""What is shown in one bubble, and how it is made to fit: by leaving out what matters least, never by cutting."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from contracts.messages import Button
from services.telegram.domain.presses import Press, Verb
from services.telegram.domain.words import Html, Words, join

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

_TAG = re.compile(r"<[^>]*>")

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


def button(words: Words, key: str, verb: Verb, argument: str = "") -> Button:
    """Make a button whose label is in the catalogue."""
    return Button(text=str(words(key)), data=Press(verb, argument).pack())
