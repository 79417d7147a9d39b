"""Whatever the values are, what is shown is markup that Telegram takes, in length and in form.

The oracle is the sandbox's reader of Telegram's HTML, which refuses what Telegram refuses.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import FeedNotice, FeedState, SendClass
from sandbox.telegram_api.html_markup import parse_html
from services.telegram.domain import dead_letters, settings_menu
from services.telegram.domain.rendering import CAPTION_LIMIT, RAW_LIMIT, TEXT_LIMIT, Rendered, visible_length, within
from services.telegram.domain.words import Html, bold, code, join, quote, safe
from services.telegram.handlers.letters import render
from tests.telegram.builders import INDONESIAN, MARKET_MS, WORDS, outcome_notice, send, signal_notice, text

NASTY = st.text(alphabet=st.sampled_from("ab <>&;\"'\n/é🟢#lt"), max_size=60)


def markups():
    """Texts as the catalogue makes them: values of any kind, nested in tags, beside each other."""
    wraps = st.sampled_from([bold, code, quote, lambda value: Html(f"<i>{safe(value)}</i>")])
    leaves = NASTY.map(safe)
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(lambda wrap, value: wrap(value), wraps, inner)
            | st.lists(inner, max_size=4).map(lambda parts: join(parts, "\n"))
            | st.lists(inner, max_size=4).map(lambda parts: join(parts, " "))
        ),
        max_leaves=20,
    )


def seen(html):
    """Read it as Telegram does; raises MarkupError where Telegram would refuse it."""
    return parse_html(html)[0]


@given(markups())
def test_values_never_become_markup(html):
    assert len(seen(html)) == visible_length(html)


@given(markups(), st.integers(2, 200))
def test_a_cut_text_is_whole_markup_within_its_limit_and_says_what_the_long_one_begins_with(html, limit):
    shown = seen(within(Rendered(html), limit).html)

    assert len(shown) <= limit
    if len(seen(html)) <= limit:
        assert shown == seen(html)
    else:
        assert shown.endswith("…")
        assert seen(html).startswith(shown[:-1])


def test_a_cut_falls_on_the_end_of_a_line_then_of_a_word():
    lines = Rendered("<b>one two three\nfour five</b> six")
    assert within(lines, 19).html == "<b>one two three…</b>"
    assert within(Rendered("<b>one two three four</b>"), 12).html == "<b>one two…</b>"
    assert within(Rendered("<i>abcdefghij</i>"), 5).html == "<i>abcd…</i>"
    assert within(Rendered("&lt;&amp;&gt;x"), 3).html == "&lt;&amp;…"


def test_a_text_of_too_many_bytes_is_cut_although_few_are_seen():
    heavy = Rendered("<b>x</b>" * 4096)
    assert visible_length(heavy.html) == TEXT_LIMIT
    shown = within(heavy, TEXT_LIMIT).html
    assert len(shown.encode()) <= RAW_LIMIT
    assert seen(shown).startswith("x" * 3000)


@given(NASTY, NASTY, st.booleans(), st.sampled_from(["id", "en"]))
def test_every_notice_is_taken_whatever_the_other_rooms_say(symbol, reason, is_repeat, language):
    feed = FeedNotice(symbol=symbol * 50, state=FeedState.STALE, reason=reason * 200, since_ms=MARKET_MS)
    signal = signal_notice(symbol=symbol, reasons=(reason * 100,) * 5)
    outcome = outcome_notice(symbol=symbol * 100, pnl=Decimal("-1e9"))
    for content, kind in ((feed, SendClass.REPLY), (signal, SendClass.SIGNAL), (outcome, SendClass.EXIT)):
        for chart_key in (None, "key"):
            message = send(1, content, kind, language=language, chart_key=chart_key)
            shown = render(message, WORDS, is_repeat=is_repeat)
            assert len(seen(shown.html)) <= (TEXT_LIMIT if chart_key is None else CAPTION_LIMIT)


@pytest.mark.parametrize("is_repeat", [False, True])
def test_an_answer_that_is_too_long_is_cut_and_not_lost(is_repeat):
    shown = render(send(1, text("<b>word</b> " * 3000), SendClass.REPLY), WORDS, is_repeat=is_repeat)
    assert 4000 < len(seen(shown.html)) <= TEXT_LIMIT


@given(NASTY)
def test_what_a_person_typed_comes_back_as_text(typed):
    shown = settings_menu.no_such(typed, INDONESIAN)
    assert typed[:40].strip("\r") in seen(shown.html) or not typed.strip()
    assert dead_letters.shortened(typed, 10) == (typed if len(typed) <= 10 else typed[:9] + "…")
