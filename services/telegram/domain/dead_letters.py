"""The dead letters as an operator reads them on a phone: a page of them, one whole, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from contracts.messages import Button, DeadLetter
from services.telegram.domain import times
from services.telegram.domain.presses import Press, Verb
from services.telegram.domain.rendering import Rendered, button
from services.telegram.domain.words import Html, Words, bold, code, join, safe

PAGE_SIZE = 5
SHORT_REASON = 80
LONG_REASON = 500
MOST_OF_BODY = 800
MOST_DIGITS = 15


class Action(StrEnum):
    """What an operator may press. What cannot be undone is asked again first."""

    PAGE = "page"
    SHOW = "show"
    ASK_REDRIVE = "redrive?"
    REDRIVE = "redrive"
    ASK_DROP = "drop?"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Errand:
    """An action and the number of its page or letter."""

    action: Action
    number: int


def read_errand(argument: str) -> Errand | None:
    """Read what a button of ours says; None for what none of ours does."""
    action, _, number = argument.partition(":")
    if action not in set(Action) or not number.isdecimal() or not number.isascii() or len(number) > MOST_DIGITS:
        return None
    return Errand(Action(action), int(number))


def page(letters: Sequence[tuple[int, DeadLetter]], number: int, words: Words, zone: str) -> Rendered:
    """Show a page of letters, the newest first; a page behind the end is the last."""
    if not letters:
        return Rendered(words("dlq.none"))
    pages = -(-len(letters) // PAGE_SIZE)
    place = min(number, pages - 1)
    shown = list(reversed(letters))[place * PAGE_SIZE : (place + 1) * PAGE_SIZE]
    lines = [_line(letter_number, letter, words, zone) for letter_number, letter in shown]
    opening = tuple(Button(text=f"#{one}", data=_data(Action.SHOW, one)) for one, _ in shown)
    keyboard = (opening, _pager(place, pages)) if pages > 1 else (opening,)
    return Rendered(join((bold(words("dlq.title", count=len(letters))), *lines)), keyboard)


def _line(number: int, letter: DeadLetter, words: Words, zone: str) -> Html:
    when = times.day_time(_ms(letter), zone, words)
    reason = safe(shortened(letter.reason, SHORT_REASON))
    return Html(f"\n{bold(f'#{number}')} {safe(letter.topic)} · {when}\n<i>{reason}</i>")


def _pager(place: int, pages: int) -> tuple[Button, ...]:
    before = (Button(text="‹", data=_data(Action.PAGE, place - 1)),) if place > 0 else ()
    after = (Button(text="›", data=_data(Action.PAGE, place + 1)),) if place < pages - 1 else ()
    return (*before, Button(text=f"{place + 1} / {pages}", data=_data(Action.PAGE, place)), *after)


def letter(number: int, found: DeadLetter, words: Words, zone: str) -> Rendered:
    """Show one letter with its history and the beginning of its body."""
    body = shortened(found.payload.decode("utf-8", "replace"), MOST_OF_BODY)
    lines = (
        bold(words("dlq.letter", number=number)),
        Html(f"{safe(found.consumer)} · {code(found.subject)}"),
        words("dlq.tried", attempts=found.attempts, redrives=found.redrives),
        words(
            "dlq.lived",
            first=times.date_time(_ms(found, is_first=True), zone, words),
            last=times.date_time(_ms(found), zone, words),
        ),
        Html(f"<i>{safe(shortened(found.reason, LONG_REASON))}</i>"),
        code(body),
    )
    choices = (
        button(words, "button.redrive", Verb.DEAD_LETTERS, f"{Action.ASK_REDRIVE}:{number}"),
        button(words, "button.drop", Verb.DEAD_LETTERS, f"{Action.ASK_DROP}:{number}"),
    )
    return Rendered(join(lines), (choices, _back(words)))


def sure(action: Action, number: int, words: Words) -> Rendered:
    """Ask once more before a letter is sent again or dropped."""
    is_redrive = action is Action.ASK_REDRIVE
    question = words("dlq.sure_redrive" if is_redrive else "dlq.sure_drop", number=number)
    done = Action.REDRIVE if is_redrive else Action.DROP
    yes = button(words, "button.redrive" if is_redrive else "button.drop", Verb.DEAD_LETTERS, f"{done}:{number}")
    no = button(words, "button.cancel", Verb.DEAD_LETTERS, f"{Action.SHOW}:{number}")
    return Rendered(question, ((yes, no),))


def done(action: Action, number: int, error: str, words: Words) -> Rendered:
    """Say what became of a letter: `error` is why it stays, or empty."""
    if error:
        said = words("dlq.stays", number=number, reason=shortened(error, LONG_REASON))
    else:
        said = words("dlq.redriven" if action is Action.REDRIVE else "dlq.dropped", number=number)
    return Rendered(said, (_back(words),))


def gone(number: int, words: Words) -> Rendered:
    """Say that there is no such letter any more."""
    return Rendered(words("dlq.gone", number=number), (_back(words),))


def shortened(text: str, most: int) -> str:
    """Cut plain text, before it becomes markup; a cut shows."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _back(words: Words) -> tuple[Button, ...]:
    return (button(words, "button.back", Verb.DEAD_LETTERS, f"{Action.PAGE}:0"),)


def _data(action: Action, number: int) -> str:
    return Press(Verb.DEAD_LETTERS, f"{action}:{number}").pack()


def _ms(found: DeadLetter, *, is_first: bool = False) -> int:
    return int((found.first_at if is_first else found.at).timestamp() * 1000)
