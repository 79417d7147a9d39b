"""HTML as Telegram reads it: a small set of tags in, plain text and entities out.

It works on bytes, because Telegram's complaints name byte offsets, and entities count UTF-16 code units. The rules and
the sentences follow what the real server answers. Source: Bot API "HTML style", and TDLib's behaviour.
"""

from dataclasses import dataclass
from typing import Any

_ENTITY_OF_TAG = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_NAMED = {b"lt": ord("<"), b"gt": ord(">"), b"amp": ord("&"), b"quot": ord('"')}
_SPACE = frozenset(b" \t\r\n\0\v")
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAME_TOKEN = _LETTERS + b"0123456789.-"
_LARGEST_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
_BYTES_OF_LONGEST_REFERENCE = 10


class MarkupError(ValueError):
    """The text is no valid HTML for Telegram; the sentence is the one Telegram answers with."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A tag that waits for its end."""

    tag: str
    argument: str
    offset: int
    begins_at: int


def parse_html(text: str) -> tuple[str, list[dict[str, Any]]]:
    """Read HTML into plain text and its entities (offsets and lengths in UTF-16 units), outer ones first.

    Raises MarkupError.
    """
    reader = _Reader(text.encode() + b"\0")
    reader.read()
    for entity in reader.entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    return reader.plain.decode(), sorted(reader.entities, key=lambda one: (one["offset"], -one["length"]))


class _Reader:
    """One pass over the bytes of a text that ends with NUL."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.at = 0
        self.plain = bytearray()
        self.offset = 0
        self.open: list[_Open] = []
        self.entities: list[dict[str, Any]] = []

    def read(self) -> None:
        end = len(self.source) - 1
        while self.at < end:
            byte = self.source[self.at]
            if byte == ord("<"):
                self._read_tag()
            elif byte != ord("&") or not self._read_reference(self.plain):
                self._count(byte)
                self.plain.append(byte)
                self.at += 1
        if self.open:
            raise MarkupError(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')

    def _count(self, byte: int) -> None:
        """Count UTF-16 units at the first byte of each character: two from four-byte characters on."""
        if byte & 0xC0 != 0x80:
            self.offset += 2 if byte >= 0xF0 else 1

    def _read_reference(self, into: bytearray) -> bool:
        """Decode `&lt;` or `&#1234;` at the cursor; false when it is none and the `&` stands for itself."""
        code, end = _reference(self.source, self.at)
        if code == 0:
            return False
        if code in _SURROGATES:
            raise MarkupError(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            )
        into += chr(code).encode()
        if into is self.plain:
            self.offset += 2 if code > 0xFFFF else 1
        self.at = end
        return True

    def _read_tag(self) -> None:
        begin = self.at
        self.at += 1
        if self.source[self.at] == ord("/"):
            self._read_end_tag(begin)
        else:
            self._read_start_tag(begin)
        self.at += 1

    def _read_start_tag(self, begin: int) -> None:
        self._skip_until(_SPACE | {ord(">")})
        if self.source[self.at] == 0:
            raise MarkupError(f"Unclosed start tag at byte offset {begin}")
        tag = _lower(self.source[begin + 1 : self.at])
        if tag not in _ENTITY_OF_TAG:
            raise MarkupError(f'Unsupported start tag "{tag}" at byte offset {begin}')
        argument = self._read_attributes(tag, begin)
        if tag == "span" and argument != "spoiler":
            raise MarkupError(f'Tag "span" must have class "tg-spoiler" at byte offset {begin}')
        self.open.append(_Open(tag, argument, self.offset, len(self.plain)))

    def _read_attributes(self, tag: str, begin: int) -> str:
        """Read up to the `>`; return the one attribute that means something for this tag."""
        argument = ""
        while self.source[self.at] != ord(">"):
            self._skip_space()
            if self.source[self.at] == ord(">"):
                break
            name = self._read_attribute_name(tag, begin)
            if self.source[self.at] != ord("="):
                value = ""
            else:
                self.at += 1
                value = self._read_attribute_value(tag, begin)
            argument = _meaning(tag, name, value) or argument
        return argument

    def _read_attribute_name(self, tag: str, begin: int) -> str:
        begins_at = self.at
        self._skip_until(_SPACE | set(b"=>/\"'"))
        name = self.source[begins_at : self.at].decode("utf-8", "replace")
        if not name:
            raise MarkupError(f'Empty attribute name in the tag "{tag}" at byte offset {begin}')
        self._skip_space()
        if self.source[self.at] == 0:
            raise MarkupError(f'Unclosed start tag "{tag}" at byte offset {begin}')
        return name

    def _read_attribute_value(self, tag: str, begin: int) -> str:
        self._skip_space()
        if self.source[self.at] == 0:
            raise MarkupError(f'Unclosed start tag "{tag}" at byte offset {begin}')
        value = self._read_quoted() if self.source[self.at] in b"'\"" else self._read_name_token()
        if self.source[self.at] == 0:
            raise MarkupError(f"Unclosed start tag at byte offset {begin}")
        return value

    def _read_name_token(self) -> str:
        begins_at = self.at
        self.at = _span(self.source, begins_at, _NAME_TOKEN)
        if self.source[self.at] not in _SPACE | {ord(">")}:
            raise MarkupError(f"Unexpected end of name token at byte offset {begins_at}")
        return _lower(self.source[begins_at : self.at])

    def _read_quoted(self) -> str:
        quote = self.source[self.at]
        self.at += 1
        value = bytearray()
        while self.source[self.at] not in (quote, 0):
            if self.source[self.at] == ord("&") and self._read_reference(value):
                continue
            value.append(self.source[self.at])
            self.at += 1
        if self.source[self.at] == quote:
            self.at += 1
        return value.decode()

    def _read_end_tag(self, begin: int) -> None:
        if not self.open:
            raise MarkupError(f"Unexpected end tag at byte offset {begin}")
        self._skip_until(_SPACE | {ord(">")})
        found = _lower(self.source[begin + 2 : self.at])
        self._skip_space()
        if self.source[self.at] != ord(">"):
            raise MarkupError(f"Unclosed end tag at byte offset {begin}")
        expected = self.open[-1].tag
        if found and found != expected:
            raise MarkupError(f'Unmatched end tag at byte offset {begin}, expected "</{expected}>", found "</{found}>"')
        self._close(self.open.pop())

    def _close(self, opened: _Open) -> None:
        """Turn a closed tag into its entity; a tag around nothing leaves none."""
        length = self.offset - opened.offset
        if length == 0:
            return
        entity: dict[str, Any] = {"type": _ENTITY_OF_TAG[opened.tag], "offset": opened.offset, "length": length}
        if opened.tag == "a":
            self._add_link(entity, opened.argument or self.plain[opened.begins_at :].decode())
        elif opened.tag in ("pre", "code"):
            self._add_code(entity, opened)
        elif opened.tag == "tg-emoji":
            self._add_custom_emoji(entity, opened.argument)
        else:
            if opened.tag == "blockquote" and opened.argument:
                entity["type"] = "expandable_blockquote"
            self.entities.append(entity)

    def _add_link(self, entity: dict[str, Any], url: str) -> None:
        """Add a link to a web address; a text that is no address loses its link and stays."""
        address = url if "://" in url or url.startswith(("mailto:", "tel:")) else f"http://{url}"
        if "." in url or "://" in url:
            self.entities.append({**entity, "url": _with_path(address)})

    def _add_code(self, entity: dict[str, Any], opened: _Open) -> None:
        """Add code; `<pre><code class="language-x">` is one block with a language."""
        last = self.entities[-1] if self.entities else {}
        same = (last.get("offset"), last.get("length")) == (entity["offset"], entity["length"])
        if opened.tag == "pre" and same and last["type"] == "code":
            last["type"] = "pre"
            return
        if opened.tag == "code" and opened.argument and self._is_inside_pre(opened):
            entity["language"] = opened.argument
        self.entities.append(entity)

    def _is_inside_pre(self, opened: _Open) -> bool:
        """Tell whether the code begins where a still open `<pre>` begins."""
        return bool(self.open) and self.open[-1].tag == "pre" and self.open[-1].offset == opened.offset

    def _add_custom_emoji(self, entity: dict[str, Any], identifier: str) -> None:
        if not identifier.isdigit() or int(identifier) == 0:
            raise MarkupError("Invalid custom emoji identifier specified")
        self.entities.append({**entity, "custom_emoji_id": identifier})

    def _skip_space(self) -> None:
        while self.source[self.at] != 0 and self.source[self.at] in _SPACE:
            self.at += 1

    def _skip_until(self, stops: set[int] | frozenset[int]) -> None:
        while self.source[self.at] not in stops:
            self.at += 1


def _meaning(tag: str, name: str, value: str) -> str:
    """Return what an attribute says about its tag; empty for one without a meaning."""
    if (tag, name) in (("a", "href"), ("tg-emoji", "emoji-id")):
        return value
    if (tag, name) == ("code", "class") and value.startswith("language-"):
        return value.removeprefix("language-")
    if (tag, name) == ("span", "class") and value.startswith("tg-"):
        return value.removeprefix("tg-")
    return "expandable" if (tag, name) == ("blockquote", "expandable") else ""


def _reference(source: bytes, at: int) -> tuple[int, int]:
    """Decode the character reference at `at`: its code point and where it ends; code 0 when it is none."""
    end = at + 1
    if source[end] == ord("#"):
        is_hex = source[end + 1] == ord("x")
        begin = end + (2 if is_hex else 1)
        end = _span(source, begin, b"0123456789abcdefABCDEF" if is_hex else b"0123456789")
        code = int(source[begin:end], 16 if is_hex else 10) if begin < end < at + _BYTES_OF_LONGEST_REFERENCE else 0
    else:
        end = _span(source, end, _LETTERS)
        code = _NAMED.get(source[at + 1 : end], 0)
    if code == 0 or code > _LARGEST_CODE_POINT:
        return 0, at
    return code, end + (source[end] == ord(";"))


def _span(source: bytes, begin: int, members: bytes) -> int:
    """Return where the run of `members` that starts at `begin` ends."""
    end = begin
    while source[end] in members:
        end += 1
    return end


def _lower(raw: bytes) -> str:
    """Lower ASCII letters only, as the real server does."""
    return raw.lower().decode("utf-8", "replace")


def _with_path(url: str) -> str:
    """Give a bare web address the slash that the real server adds."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        return url
    bare = not any(mark in rest for mark in "/?#")
    return f"{url}/" if bare else url
