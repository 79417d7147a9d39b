"""HTML is read, and refused, in Telegram's way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.telegram_api.formatted_text import finish_text, format_text, utf16_length
from sandbox.telegram_api.html_markup import MarkupError, parse_html


def entity(kind, offset, length, **extra):
    return {"type": kind, "offset": offset, "length": length, **extra}


@pytest.mark.parametrize(
    ("html", "text", "entities"),
    [
        (
            "<b>a</b><i>b</i><u>c</u><s>d</s>",
            "abcd",
            [entity("bold", 0, 1), entity("italic", 1, 1), entity("underline", 2, 1), entity("strikethrough", 3, 1)],
        ),
        ("<b>a<i>b</i></b>", "ab", [entity("bold", 0, 2), entity("italic", 1, 1)]),
        ("<b>🟢</b> x <i>y</i>", "🟢 x y", [entity("bold", 0, 2), entity("italic", 5, 1)]),
        ("&lt;b&gt; &amp; &quot; &#36; &#x1F7E2; &nbsp;", '<b> & " $ 🟢 &nbsp;', []),
        (
            '<a href="https://a.example/?x=1&amp;y=2">go</a>',
            "go",
            [entity("text_link", 0, 2, url="https://a.example/?x=1&y=2")],
        ),
        ("<a href='http://a.example'>go</a>", "go", [entity("text_link", 0, 2, url="http://a.example/")]),
        ("<a href=nowhere>go</a>", "go", []),
        ('<pre><code class="language-py">x=1</code></pre>', "x=1", [entity("pre", 0, 3, language="py")]),
        ("<pre>x</pre> <code>y</code>", "x y", [entity("pre", 0, 1), entity("code", 2, 1)]),
        (
            "<tg-spoiler>a</tg-spoiler><span class='tg-spoiler'>b</span>",
            "ab",
            [entity("spoiler", 0, 1), entity("spoiler", 1, 1)],
        ),
        (
            "<blockquote>a</blockquote><blockquote expandable>b</blockquote>",
            "ab",
            [entity("blockquote", 0, 1), entity("expandable_blockquote", 1, 1)],
        ),
        ("<B>a</B ><b></b>", "a", [entity("bold", 0, 1)]),
    ],
)
def test_markup_becomes_text_and_entities(html, text, entities):
    assert parse_html(html) == (text, entities)


@pytest.mark.parametrize(
    ("html", "sentence"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("é<br>", 'Unsupported start tag "br" at byte offset 2'),
        ("x <b", "Unclosed start tag at byte offset 2"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<a href", 'Unclosed start tag "a" at byte offset 0'),
        ('<a href="x"', "Unclosed start tag at byte offset 0"),
        ('<a ="x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=x/>y</a>", "Unexpected end of name token at byte offset 8"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_wrong_markup_is_refused_with_telegrams_sentence(html, sentence):
    with pytest.raises(MarkupError) as refused:
        parse_html(html)

    assert str(refused.value) == sentence


@given(st.text(alphabet=st.sampled_from(list("<>/&;ab =\"'é🟢#x1\n"))))
def test_no_text_breaks_the_parser(html):
    try:
        text, entities = parse_html(html)
    except MarkupError:
        return
    assert all(one["offset"] + one["length"] <= utf16_length(text) for one in entities)


def test_commands_addresses_and_tags_are_found_outside_of_code():
    text = "🟢 /why@sinyal_bot see https://a.example/x. #gold $XAUUSD @rani a@b.example 1/2"

    found = finish_text(text, []).entities

    marked = [(one["type"], _covered(text, one)) for one in found]
    assert marked == [
        ("bot_command", "/why@sinyal_bot"),
        ("url", "https://a.example/x"),
        ("hashtag", "#gold"),
        ("cashtag", "$XAUUSD"),
        ("mention", "@rani"),
        ("email", "a@b.example"),
    ]


def test_code_is_not_searched():
    assert [one["type"] for one in format_text("<code>/why</code>", "HTML", None).entities] == ["code"]


def test_a_text_is_trimmed_and_its_entities_move_along():
    formatted = format_text("\n  <b> hi </b> ", "HTML", None)

    assert formatted.text == "hi"
    assert formatted.entities == (entity("bold", 0, 2),)


def _covered(text, one):
    raw = text.encode("utf-16-le")
    return raw[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le")
