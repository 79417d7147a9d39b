"""What subscribers choose, how it sizes a position, and which gates it closes."""

from decimal import Decimal

import pytest

from chassis.errors import AskFailedError
from contracts import asks, catalogue
from services.positions.domain.gates import Refusal, chosen_refusals
from services.positions.domain.plans import Choice, Targets
from services.positions.domain.preferences import (
    BadSettingError,
    Chosen,
    Preferences,
    QuietHours,
    UnknownSettingError,
    changed,
)
from services.positions.domain.sizing import lots_of
from tests.positions.builders import GOLD, START_MS, a_signal, a_tick
from tests.positions.house import House, until_row

NEWCOMER = Chosen(lots=Decimal("0.01"), time_zone="Asia/Jakarta", preferences=Preferences())
JAKARTA_19_00 = START_MS  # 12:00 UTC


def chosen(**settings: str) -> Chosen:
    found = NEWCOMER
    for name, value in settings.items():
        found = changed(found, name, value, NEWCOMER)
    return found


def test_every_setting_is_kept_as_it_was_chosen() -> None:
    found = chosen(
        lots="0.05", time_zone="Europe/London", balance="1000", risk_percent="1,5", daily_loss_percent="5",
        quiet_hours="22:00-06:30", targets="three", break_even="off", trailing="on", tightening="on",
        time_limit_min="90",
    )  # fmt: skip

    assert (found.lots, found.time_zone) == (Decimal("0.05"), "Europe/London")
    assert found.preferences == Preferences(
        balance=Decimal(1000), risk_percent=Decimal("1.50"), daily_loss_percent=Decimal(5),
        quiet=QuietHours(1320, 390),
        choice=Choice(
            targets=Targets.THREE, break_even=False, trailing=True, tightening=True, time_limit_s=5400
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["lots", "time_zone", "balance", "risk_percent", "daily_loss_percent", "quiet_hours", "targets", "break_even",
     "trailing", "tightening", "time_limit_min"],
)  # fmt: skip
def test_default_takes_a_choice_back(name: str) -> None:
    other = chosen(
        lots="0.05", time_zone="Europe/London", balance="9", risk_percent="2", daily_loss_percent="5",
        quiet_hours="22:00-06:30", targets="three", break_even="off", trailing="off", tightening="on",
        time_limit_min="0",
    )  # fmt: skip

    back = changed(other, name, "default", NEWCOMER)

    assert back != other
    assert changed(back, name, "default", NEWCOMER) == back


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("lots", "2", "out of range: lots from 0.01 to 1.00"),
        ("lots", "much", "is no number"),
        ("lots", "nan", "out of range"),
        ("lots", "0.015", "more than two decimals"),
        ("time_zone", "Mars/Olympus", "a time zone like"),
        ("time_zone", "../etc", "a time zone like"),
        ("balance", "0", "at least 1"),
        ("risk_percent", "11", "0.01 to 10"),
        ("daily_loss_percent", "101", "0 "),
        ("quiet_hours", "22-6", "22:00-06:00"),
        ("quiet_hours", "24:00-06:00", "22:00-06:00"),
        ("targets", "four", "single or three"),
        ("break_even", "yes", "on or off"),
        ("time_limit_min", "1.5", "whole minutes"),
        ("time_limit_min", "99999999", "whole minutes"),
    ],
)
def test_a_bad_value_is_refused_with_what_would_do(name: str, value: str, complaint: str) -> None:
    with pytest.raises(BadSettingError, match=complaint):
        changed(NEWCOMER, name, value, NEWCOMER)


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownSettingError, match="'shoe_size' is no setting: lots, time_zone"):
        changed(NEWCOMER, "shoe_size", "44", NEWCOMER)


@pytest.mark.parametrize(
    ("balance", "risk", "stop", "lots"),
    [
        ("1000", "1", 3998.1, "0.05"),
        ("1000", "1", 3997.1, "0.03"),
        ("100", "1", 3998.1, "0.01"),
        ("1000000", "5", 3998.1, "1.00"),
        (None, "1", 3998.1, "0.07"),
        ("1000", None, 3998.1, "0.07"),
        ("1000", "1", 4000.1, "0.07"),
    ],
)
def test_lots_follow_the_risk_down_to_steps_of_a_hundredth(
    balance: str | None, risk: str | None, stop: float, lots: str
) -> None:
    preferences = Preferences(
        balance=None if balance is None else Decimal(balance), risk_percent=None if risk is None else Decimal(risk)
    )

    assert lots_of(Decimal("0.07"), preferences, GOLD, entry=4000.1, stop=stop) == Decimal(lots)


@pytest.mark.parametrize(
    ("span", "holds"),
    [((1140, 1200), True), ((1080, 1140), False), ((1320, 360), False), ((1100, 360), True), ((0, 0), False)],
)
def test_quiet_hours_are_of_the_subscribers_own_day(span: tuple[int, int], holds: bool) -> None:
    assert QuietHours(*span).hold(JAKARTA_19_00, "Asia/Jakarta") is holds


def refusals(preferences: Preferences, pnl: str = "0", *, is_asked_for: bool = False) -> tuple[Refusal, ...]:
    return chosen_refusals(
        preferences, time_zone="Asia/Jakarta", market_ms=JAKARTA_19_00, day_pnl=Decimal(pnl), is_asked_for=is_asked_for
    )


def test_the_daily_limit_is_reached_at_three_percent_of_the_balance() -> None:
    assert refusals(Preferences(balance=Decimal(1000)), "-29.99") == ()
    assert refusals(Preferences(balance=Decimal(1000)), "-30.00") == (Refusal.DAILY_LOSS,)
    assert refusals(Preferences(balance=Decimal(1000), daily_loss_percent=Decimal(0)), "-999") == ()
    assert refusals(Preferences(), "-999") == ()


def test_who_asks_for_a_signal_is_awake_but_not_richer() -> None:
    preferences = Preferences(balance=Decimal(100), quiet=QuietHours(0, 1439))

    assert refusals(preferences, "-50") == (Refusal.DAILY_LOSS, Refusal.QUIET_HOURS)
    assert refusals(preferences, "-50", is_asked_for=True) == (Refusal.DAILY_LOSS,)


# --- in the room ------------------------------------------------------------------------------------------------------


async def choose(house: House, person: int, name: str, value: str) -> asks.Settings:
    request = asks.ChangeSetting(subscriber_id=person, name=name, value=value)
    return await house.bus.ask(catalogue.CHANGE_SETTING, request)


async def test_settings_are_stored_and_told(house: House) -> None:
    async with house.room():
        await house.subscribe(1)
        for name, value in (("balance", "500"), ("quiet_hours", "22:00-06:00"), ("targets", "three"), ("lots", "0.02")):
            await choose(house, 1, name, value)
    async with house.room():
        found = await house.bus.ask(catalogue.SETTINGS, asks.GetSettings(subscriber_id=1))

    assert found == asks.Settings(
        time_zone="Asia/Jakarta", lots=Decimal("0.02"), balance=Decimal("500.00"), risk_percent=None,
        daily_loss_percent=Decimal("3.00"), quiet_hours="22:00-06:00", targets="three", break_even=None, trailing=None,
        tightening=None, time_limit_min=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("person", "name", "value", "code"),
    [
        (1, "shoe_size", "44", "unknown_setting"),
        (1, "lots", "0", "bad_value"),
        (2, "lots", "0.01", "not_registered"),
    ],
)
async def test_what_cannot_be_set_is_refused_with_a_code(
    house: House, person: int, name: str, value: str, code: str
) -> None:
    async with house.room(follows=False):
        await house.subscribe(1)
        with pytest.raises(AskFailedError) as refused:
            await choose(house, person, name, value)

    assert refused.value.code == code


async def test_a_position_is_sized_by_its_owners_risk(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await choose(house, 2, "balance", "1000")
        await choose(house, 2, "risk_percent", "1")
        await house.raise_signal(a_signal())
        lots = dict(await house.rows("select subscriber_id, lots from position"))
        send = await house.sent_to(2)

    assert lots == {1: Decimal("0.01"), 2: Decimal("0.05")}
    assert (send.content.lots, send.content.risk) == (Decimal("0.05"), Decimal("10.00"))


async def test_who_lost_his_limit_today_gets_no_signal_until_his_tomorrow(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await choose(house, 1, "balance", "50")
        await house.tick(a_tick(1000, 3998.1))
        await house.closed(1)

        await house.raise_signal(a_signal(10))
        await until_row(lambda: house.rows("select 1 from refusal"), "a refusal")
        why = await house.why(1)
        await house.raise_signal(a_signal(5 * 60))  # 17:00 UTC is midnight in Jakarta

    assert why.refusals == (Refusal.DAILY_LOSS,)
    assert len(await house.rows("select 1 from position")) == 2


async def test_nobody_is_woken_in_his_quiet_hours(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await choose(house, 1, "quiet_hours", "18:00-20:00")
        await choose(house, 2, "quiet_hours", "20:00-06:00")
        await house.raise_signal(a_signal())
        why = await house.why(1)

    assert why.refusals == (Refusal.QUIET_HOURS,)
    assert await house.states() == {2: "proposed"}
