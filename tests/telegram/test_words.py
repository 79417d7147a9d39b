"""The catalogues: complete, alike, used, and covering what other rooms may say."""

import ast
import re
import string
from pathlib import Path

import pytest

import services.signals.domain as signals_domain
import services.telegram as room
from chassis.errors import StartError
from contracts.messages import ExitReason, FeedState, Mode
from services.positions.domain.gates import Refusal
from services.telegram.adapters.babel_catalogue import load_catalogue
from services.telegram.domain.commands import COMMANDS
from services.telegram.domain.dashboards import Ending
from services.telegram.domain.settings_menu import ICONS, ITEMS, TABLE
from services.telegram.domain.words import Html, Words, guess_language, in_language, join, safe

WORDS = load_catalogue()
ROOM = Path(room.__file__).parent
FAMILIES = {
    *(f"{family}.{reason.value}" for family in ("exit", "short") for reason in ExitReason),
    *(f"feed.{state.value.lower()}" for state in FeedState),
    *(f"mode.{mode.value}" for mode in Mode),
    *(f"strength.{name}" for name in ("very_strong", "strong", "medium", "weak")),
    *(f"settings.{item.name}" for item in ITEMS),
    *(f"settings.takes.{item.name}" for item in ITEMS),
    *(f"settings.cell.{item.name}" for item in TABLE),
    *(f"settings.loudness.{loudness}" for loudness in ICONS),
    *(f"settings.targets.{count}" for count in ("single", "three")),
    *(f"dash.{ending.value}" for ending in Ending),
    *(f"command.{command.name}" for command in COMMANDS),
}
"""Keys that the code puts together from a value of an enumeration."""


def literals(folder):
    """List the string literals of a package that look like keys of a catalogue."""
    found = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def keys_of_signals():
    """List the keys signals may raise: from its strategies by name and side, from its handlers as they stand."""
    from services.signals.domain import conditions, trend_pullback

    source = Path(trend_pullback.__file__).read_text()
    named = {f"reason.{name}" for name in re.findall(r'^ +\("(\w+)", held\.|\("(volume_lively)"', source, re.MULTILINE)
             for name in name if name}  # fmt: skip
    needs = {f"why.{name}" for name in (*trend_pullback.AUTO_NEEDS, *trend_pullback.MANUAL_NEEDS)}
    assert len(named) >= 12, "the strategy tells its reasons differently now: look at this test"
    sided = {f"{key}.{side}" for key in named | needs for side in ("buy", "sell")}
    folder = Path(signals_domain.__file__).parent.parent
    whole = {key for key in literals(folder) if re.fullmatch(r"why\.[a-z_0-9]+", key)}
    assert conditions.Conditions is not None
    return sided | whole


def test_both_languages_have_the_same_keys():
    assert WORDS["id"].texts.keys() == WORDS["en"].texts.keys()


@pytest.mark.parametrize("key", sorted(WORDS["en"].texts))
def test_a_sentence_has_the_same_placeholders_in_both_languages(key):
    assert fields(WORDS["id"].texts[key]) == fields(WORDS["en"].texts[key])


def test_every_key_the_room_uses_exists():
    dotted = {word for word in literals(ROOM) if re.fullmatch(r"[a-z]+\.[a-z_0-9]+", word)}
    families = {key.split(".")[0] for key in WORDS["en"].texts if "." in key}
    used = {word for word in dotted if word.split(".")[0] in families}
    others = {"chart.png"}
    assert used - WORDS["en"].texts.keys() - others == set()
    assert WORDS["en"].texts.keys() >= FAMILIES


def test_no_key_is_unused():
    from_elsewhere = {key for key in WORDS["en"].texts if key.startswith(("reason.", "why."))}
    used = literals(ROOM) | FAMILIES | from_elsewhere
    assert WORDS["en"].texts.keys() - used == set()


@pytest.mark.parametrize("language", ["id", "en"])
def test_every_reason_and_refusal_of_the_other_rooms_has_words(language):
    said = keys_of_signals() | {refusal.value for refusal in Refusal}
    assert said - WORDS[language].texts.keys() == set()


def test_a_key_that_nobody_translated_is_shown_readably():
    assert WORDS["id"].of("reason.new_condition.buy") == "new condition buy"
    assert WORDS["id"].of("<b>") == "&lt;b&gt;"


def test_values_are_escaped_and_markup_is_not():
    words = Words("en", {"k": "<i>{value}</i>"})
    assert words("k", value="<a href='x'>&") == "<i>&lt;a href='x'&gt;&amp;</i>"
    assert words("k", value=Html("<b>1</b>")) == "<i><b>1</b></i>"
    assert join(["<", Html("<b>")], " ") == "&lt; <b>"
    assert safe(Html("<")) == "<"


def test_a_missing_key_is_loud():
    with pytest.raises(KeyError):
        WORDS["en"]("no.such.key")


@pytest.mark.parametrize(
    ("told", "spoken"), [("en", "en"), ("en-GB", "en"), ("id", "id"), ("ms", "id"), (None, "id"), ("", "id")]
)
def test_the_language_of_a_new_person_is_guessed(told, spoken):
    assert guess_language(told) == spoken
    assert in_language(WORDS, told).language == spoken


def test_a_catalogue_with_an_empty_sentence_stops_the_start(tmp_path):
    for language in ("id", "en"):
        (tmp_path / f"{language}.po").write_text('msgid ""\nmsgstr ""\n\nmsgid "k"\nmsgstr ""\n')
    with pytest.raises(StartError, match=r"id\.po: no sentence for k"):
        load_catalogue(tmp_path)


def test_a_missing_catalogue_stops_the_start(tmp_path):
    with pytest.raises(StartError, match=r"id\.po"):
        load_catalogue(tmp_path)
