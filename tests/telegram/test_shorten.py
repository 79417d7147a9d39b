"""Texts that are too long end where a reader would end them, and are still markup."""

from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.telegram.domain.rendering import shorten, visible_length


class Balance(HTMLParser):
    """Reads markup as Telegram does: what is open is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(html):
    balance = Balance()
    balance.feed(html)
    balance.close()
    assert balance.open == []
    return balance.text


pieces = st.recursive(
    st.text("ab <>&\n", max_size=12).map(lambda text: escape(text, quote=False)),
    lambda inner: st.tuples(st.sampled_from(["b", "i", "code", "blockquote"]), inner, inner).map(
        lambda told: f"<{told[0]}>{told[1]}</{told[0]}>{told[2]}"
    ),
    max_leaves=12,
)


@given(pieces, st.integers(1, 60))
def test_what_is_cut_is_whole_markup_within_the_limit_and_a_beginning_of_the_text(html, limit):
    short = shorten(html, limit)

    assert visible_length(short) <= limit
    if short == html:
        return
    shown = read(short)
    assert shown.endswith("…")
    assert read(html).startswith(shown[:-1])


def test_what_fits_is_left_alone():
    assert shorten("<b>1 &lt; 2</b>", 5) == "<b>1 &lt; 2</b>"


@pytest.mark.parametrize(
    ("html", "limit", "short"),
    [
        ("one two three", 9, "one two…"),
        ("<b>one\ntwo three</b>", 9, "<b>one…</b>"),
        ("<i>a &amp; b</i> &lt;end&gt;", 6, "<i>a &amp; b</i>…"),
        ("abcdefgh", 4, "abc…"),
        ('<a href="http://x">abcdefgh</a>', 4, '<a href="http://x">abc…</a>'),
    ],
)
def test_a_line_is_better_than_a_word_and_a_word_better_than_a_letter(html, limit, short):
    assert shorten(html, limit) == short


def test_a_line_that_ends_too_far_away_is_not_waited_for():
    assert shorten("head\n" + "x" * 5000, 4096) == "head\n" + "x" * 4090 + "…"
