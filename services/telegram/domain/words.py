"""Words of one language by key, put into Telegram's HTML without letting a value become markup."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

LANGUAGES = ("id", "en")
DEFAULT_LANGUAGE = "id"


class Html(str):
    """Text that is markup already: everything else is escaped when it is put into a sentence."""

    __slots__ = ()


def safe(value: object) -> Html:
    """Escape a value, unless it is markup already."""
    return value if isinstance(value, Html) else Html(escape(str(value), quote=False))


def join(parts: Iterable[object], between: str = "\n") -> Html:
    """Join parts, escaping what is no markup."""
    return Html(between.join(safe(part) for part in parts))


def bold(value: object) -> Html:
    """Make a value stand out."""
    return Html(f"<b>{safe(value)}</b>")


def code(value: object) -> Html:
    """Set a value so that a tap copies it."""
    return Html(f"<code>{safe(value)}</code>")


def quote(value: object) -> Html:
    """Set a block apart."""
    return Html(f"<blockquote>{safe(value)}</blockquote>")


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue of one language. `texts` maps every key to a sentence with `{placeholders}`, which is markup."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> Html:
        """Say a sentence.

        Raises:
            KeyError: no such key, or a placeholder without a value: the catalogue and the code disagree.
        """
        return Html(self.texts[key].format_map({name: safe(value) for name, value in values.items()}))

    def of(self, key: str) -> Html:
        """Say a key that came from another room; one that nobody translated is shown readably."""
        text = self.texts.get(key)
        if text is not None:
            return Html(text)
        parts = [part for part in key.split(".") if part not in ("reason", "why")]
        return safe(" ".join(parts).replace("_", " ") or key)


Catalogue = Mapping[str, Words]
"""The words of each language by its code."""


def in_language(catalogue: Catalogue, language: str | None) -> Words:
    """Pick the words of a language, the default's where we do not speak it. `en-GB` is English."""
    return catalogue.get((language or "").lower().split("-")[0], catalogue[DEFAULT_LANGUAGE])


def guess_language(language_code: str | None) -> str:
    """Guess from Telegram's language code what a new person reads."""
    return "en" if (language_code or "").lower().split("-")[0] == "en" else DEFAULT_LANGUAGE
