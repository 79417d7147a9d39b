"""What `sinyal replay` says when live and backtest differ. The rooms are left out here: their account is made up."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import replay as verb
from cli.__main__ import app
from cli.replay_run import Plan, Replayed, Telling
from research.parity import Account, account_of_backtest
from research.trades import BacktestResult
from sandbox.stack.lockstep import Measured, StalledError

Alter = Callable[[Account], Account]


def as_tested(account: Account) -> Account:
    return account


def dearer(account: Account) -> Account:
    first, *others = account.trades
    assert first.outcome is not None
    off = replace(first.outcome, pnl=first.outcome.pnl + Decimal("0.01"))
    return Account(account.signals, [replace(first, outcome=off), *others])


def rooms_that_tell(alter: Alter, *, lost: int = 0) -> Callable[..., Replayed]:
    def run(_plan: Plan, telling: Telling, aims: BacktestResult, **_hearers: Any) -> Replayed:
        tested = account_of_backtest(aims)
        told = len(telling.live)
        return Replayed(alter(tested), tested, aims, Measured(), told, told - lost, 1.0)

    return run


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[Result, dict[str, Any]]]:
    """Replay two hours of the generated market with rooms that are made up."""

    def ask(run: Callable[..., Replayed]) -> tuple[Result, dict[str, Any]]:
        monkeypatch.setattr(verb, "run", run)
        report = tmp_path / "verdict.json"
        done = CliRunner().invoke(app, ["replay", "--to", "2026-06-09T10:00", "--json", str(report)])
        return done, json.loads(report.read_text())

    return ask


Asked = Callable[[Callable[..., Replayed]], tuple[Result, dict[str, Any]]]


def test_equal_accounts_are_a_verdict_of_four_words_and_status_0(replayed: Asked) -> None:
    done, verdict = replayed(rooms_that_tell(as_tested))

    assert done.exit_code == 0
    assert list(verdict)[:4] == ["identical", "signals", "exits", "differences"]
    assert verdict["identical"] is True
    assert verdict["exits"] > 0
    assert "identical" in done.output


def test_a_cent_is_a_difference_told_by_its_candle_and_status_1(replayed: Asked) -> None:
    done, verdict = replayed(rooms_that_tell(dearer))

    assert done.exit_code == 1
    assert [(one["what"], one["field"]) for one in verdict["differences"]] == [("exit", "pnl")]
    assert "1 difference" in done.output
    assert "2026-06-09 0" in done.output


def test_a_quote_that_was_lost_on_the_way_is_a_difference(replayed: Asked) -> None:
    done, verdict = replayed(rooms_that_tell(as_tested, lost=1))

    assert done.exit_code == 1
    (difference,) = verdict["differences"]
    assert (difference["what"], difference["tested"] - difference["live"]) == ("quotes", 1)


def test_a_room_that_does_not_get_through_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def stalled(*_plan: object, **_hearers: object) -> Replayed:
        raise StalledError("not done within 90 s at market time 1: signals: judge the candles")

    monkeypatch.setattr(verb, "run", stalled)

    done = CliRunner().invoke(app, ["replay", "--to", "2026-06-09T09:00"])

    assert "signals: judge the candles" in str(done.exception)
