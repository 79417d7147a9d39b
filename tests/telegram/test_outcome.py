"""What was seen on the wire, and what it means."""

import pytest

from services.telegram.domain.outcome import DEFAULT_FLOOD_S, Fault, FaultKind, Verdict, judge


def said(code, description, **more):
    return Fault(kind=FaultKind.SAID_NO, code=code, description=description, **more)


BAD = "Bad Request: "


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (Fault(kind=FaultKind.NOT_CONNECTED), Verdict.RETRY),
        (Fault(kind=FaultKind.CUT), Verdict.UNKNOWN),
        (Fault(kind=FaultKind.TIMED_OUT), Verdict.UNKNOWN),
        (Fault(kind=FaultKind.TRUNCATED), Verdict.UNKNOWN),
        (Fault(kind=FaultKind.UNREADABLE), Verdict.UNKNOWN),
        (said(500, "Internal Server Error: restart"), Verdict.RETRY),
        (said(502, "Bad Gateway"), Verdict.RETRY),
        (
            said(500, "Internal Server Error: sent message was immediately deleted and can't be returned"),
            Verdict.UNKNOWN,
        ),
        (said(429, "Too Many Requests: retry after 7", retry_after_s=7.0), Verdict.FLOOD),
        (said(400, BAD + "failed to send message #1: Too Many Requests: retry after 8"), Verdict.FLOOD),
        (said(401, "Unauthorized"), Verdict.LOCKED_OUT),
        (said(404, "Not Found"), Verdict.LOCKED_OUT),
        (said(421, "Misdirected Request: unallowed token specified"), Verdict.LOCKED_OUT),
        (said(409, "Conflict: terminated by setWebhook request"), Verdict.RETRY),
        (said(403, "Forbidden: bot was blocked by the user"), Verdict.UNREACHABLE),
        (said(403, "Forbidden: user is deactivated"), Verdict.UNREACHABLE),
        (said(403, "Forbidden: bot was kicked from the group chat"), Verdict.UNREACHABLE),
        (said(400, BAD + "chat not found"), Verdict.UNREACHABLE),
        (said(400, BAD + "private chat not found"), Verdict.UNREACHABLE),
        (said(400, BAD + "message is not modified: specified new message content and reply"), Verdict.UNCHANGED),
        (said(400, BAD + "message to edit not found"), Verdict.GONE),
        (said(400, BAD + "message can't be edited"), Verdict.GONE),
        (said(400, BAD + "wrong file identifier/HTTP URL specified"), Verdict.LOST_FILE),
        (said(400, BAD + "can't parse entities: unclosed tag"), Verdict.DEAD),
        (said(400, BAD + "message is too long"), Verdict.DEAD),
        (said(400, BAD + "group chat was upgraded to a supergroup chat"), Verdict.DEAD),
        (said(400, BAD + "group chat was upgraded to a supergroup chat", moved_to=-1001), Verdict.MOVED),
        (said(413, "Request Entity Too Large"), Verdict.DEAD),
        (said(406, "Not Acceptable"), Verdict.DEAD),
    ],
)
def test_every_answer_has_one_meaning(fault, verdict):
    assert judge(fault).verdict is verdict


@pytest.mark.parametrize(
    ("fault", "rest_s"),
    [
        (said(429, "Too Many Requests: retry after 7", retry_after_s=7.0), 7.0),
        (said(429, "Too Many Requests: retry after 12"), 12.0),
        (said(429, "Too Many Requests"), DEFAULT_FLOOD_S),
    ],
)
def test_a_flood_says_how_long_to_rest(fault, rest_s):
    assert judge(fault).delay_s == rest_s


def test_the_reason_is_what_the_api_said():
    assert judge(said(403, "Forbidden: bot was blocked by the user")).reason == (
        "403 Forbidden: bot was blocked by the user"
    )
    assert judge(Fault(kind=FaultKind.TIMED_OUT)).reason == "timed out"
