"""Messages that are filled in are the messages that would have been written."""

from datetime import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts import catalogue, ids
from services.positions.domain import notices
from services.positions.domain.hearing import Hearing, Loudness
from services.positions.domain.plans import SCALED, STANDARD
from services.positions.domain.preferences import Preferences
from services.positions.domain.subscriber import Person
from services.positions.domain.terms import price_signal
from services.positions.handlers.forms import Forms
from services.positions.handlers.speech import said, sent
from tests.positions.builders import GOLD, NOON, a_signal

SIGNAL = a_signal(at=datetime.fromisoformat("2026-01-05T12:00:00+00:00"))
STAMP = notices.Stamp(NOON, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def a_person(subscriber_id: int, chat_id: int, language: str, loudness: Loudness) -> Person:
    return Person(
        subscriber_id=subscriber_id, chat_id=chat_id, language=language, time_zone="Asia/Jakarta", auto=True,
        lots=Decimal("0.01"), active=True, preferences=Preferences(hearing=Hearing(signal=loudness)),
    )  # fmt: skip


@given(
    st.integers(1, 2**52), st.integers(-(2**52), 2**52).filter(bool), st.sampled_from(["id", "en"]),
    st.sampled_from([STANDARD, SCALED]), st.sampled_from([Decimal("0.01"), Decimal("0.37")]),
    st.sampled_from([Loudness.ON, Loudness.SILENT]),
)  # fmt: skip
def test_a_form_filled_in_is_the_message_itself(subscriber_id, chat_id, language, plan, lots, loudness):  # type: ignore[no-untyped-def]
    terms = price_signal(SIGNAL, GOLD).with_plan(plan)
    person = a_person(subscriber_id, chat_id, language, loudness)
    position_id = ids.position_id(SIGNAL.id, subscriber_id)

    filled = Forms(terms, a_person(1, 2, language, loudness), lots, "key", STAMP).fill(position_id, person)

    fact = notices.proposed(terms, person, position_id, lots, STAMP)
    assert filled == (
        said(catalogue.POSITION_PROPOSED, fact, subscriber_id),
        sent(notices.signal_message(terms, person, position_id, lots, "key", STAMP)),
    )
