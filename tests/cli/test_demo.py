"""What the demo does with wishes and terminals; the stack below it is tested in tests/stack."""

import asyncio
import io
from pathlib import Path

import pytest
from rich.console import Console

from chassis.errors import StartError
from cli import demo as demo_module
from cli.demo import Board, Wishes, _check_report, _unless


def test_a_second_ctrl_c_means_do_not_wait_but_an_echo_of_the_first_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(demo_module.time, "monotonic", lambda: now)
    wishes = Wishes()
    wishes.hear()
    assert (wishes.end.is_set(), wishes.hurry.is_set()) == (True, False)
    now += 0.01
    wishes.hear()
    assert not wishes.hurry.is_set()
    now += 2
    wishes.hear()
    assert wishes.hurry.is_set()


async def test_work_is_ended_when_the_wish_comes_first_and_its_error_is_not_swallowed() -> None:
    wish = asyncio.Event()
    work = asyncio.ensure_future(asyncio.Event().wait())
    asyncio.get_running_loop().call_soon(wish.set)
    assert not await _unless(wish, work)
    assert work.cancelled()

    async def fail() -> None:
        raise StartError("the room: wrong")

    with pytest.raises(StartError, match="the room: wrong"):
        await _unless(asyncio.Event(), asyncio.ensure_future(fail()))


@pytest.mark.parametrize(("terminal", "lines"), [(False, ["feed          ready"]), (True, [])])
def test_progress_is_told_line_by_line_where_nothing_can_be_redrawn(terminal: bool, lines: list[str]) -> None:
    output = io.StringIO()
    board = Board(Console(file=output, force_terminal=terminal, _environ={"TERM": "xterm"}))
    board.tell("feed", "ready")
    assert [line.rstrip() for line in output.getvalue().splitlines()] == lines


def test_a_report_that_could_not_be_written_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="is a folder"):
        _check_report(tmp_path)
    with pytest.raises(StartError, match="does not exist"):
        _check_report(tmp_path / "nowhere" / "demo.json")
    _check_report(tmp_path / "demo.json")
