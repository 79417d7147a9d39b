"""Topic: the dead letters, for those who run the bot: look through them, send one again, drop one."""

from chassis import dead_letter_office as office
from chassis.dead_letter_office import Wanted
from services.telegram.domain import dead_letters
from services.telegram.domain.dead_letters import MOST_DIGITS, Action, Errand
from services.telegram.domain.rendering import Rendered
from services.telegram.handlers.desk import Desk, Reader, Request


async def show_letters(desk: Desk, request: Request, reader: Reader) -> None:
    """Show the newest letters, or the one whose number was typed."""
    number = request.argument.strip().removeprefix("#")
    is_number = number.isdecimal() and number.isascii() and len(number) <= MOST_DIGITS
    errand = Errand(Action.SHOW, int(number)) if is_number else Errand(Action.PAGE, 0)
    await desk.answer(request, reader, await _done(desk, errand, reader))


async def press_letters(desk: Desk, request: Request, reader: Reader) -> None:
    """Do what was pressed; the same message shows what came of it."""
    errand = dead_letters.read_errand(request.argument) or Errand(Action.PAGE, 0)
    await desk.answer(request, reader, await _done(desk, errand, reader), is_edit=True)


async def _done(desk: Desk, errand: Errand, reader: Reader) -> Rendered:
    if errand.action is Action.PAGE:
        found = await office.find(desk.bus, Wanted(), desk.clock.now())
        letters = [(letter.number, letter.body) for letter in found]
        return dead_letters.page(letters, errand.number, reader.words, reader.zone)
    letter = await office.open_letter(desk.bus, errand.number)
    if letter is None:
        return dead_letters.gone(errand.number, reader.words)
    if errand.action is Action.SHOW:
        return dead_letters.letter(letter.number, letter.body, reader.words, reader.zone)
    if errand.action in (Action.ASK_REDRIVE, Action.ASK_DROP):
        return dead_letters.sure(errand.action, letter.number, reader.words)
    settle = office.send_again if errand.action is Action.REDRIVE else office.drop
    outcome = await settle(desk.bus, letter)
    return dead_letters.done(errand.action, letter.number, outcome.error, reader.words)
