"""A storm: 1,500 messages of all classes to 300 chats while much goes wrong, and the account of what became of them.

Each message carries a mark of its own (`#S0042`), so that what stands in the chats and what the Bot API's journal saw
can be counted. Seeded: the same storm for every sender.
"""

import asyncio
import itertools
import random
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chassis.bus import Outgoing
from contracts import catalogue, codec
from contracts.messages import SendClass, SendMessage, TextNotice
from tests.telegram.builders import outcome_notice, signal_notice

PEOPLE, GROUPS, DASHBOARDS = 290, 10, 20
BLOCKED, SLOW = 3, 5
SIGNAL_LIFE_S = 60.0
CHART = "storm-chart"
SEED = 20261123
METERED = frozenset({"sendMessage", "sendPhoto", "editMessageText", "editMessageMedia"})
REPEAT_MARK = "🔁"
IN_THE_AIR_S = 0.5
"""How long a call of a killed process may still be on its way."""

_MARK = re.compile(r"#([A-Z]\d{4})\b")
_LETTERS = {kind: kind.value[0].upper() for kind in SendClass} | {SendClass.STOP: "T"}


@dataclass
class Town:
    """Who is spoken to. The last of `people` are blocked or slow; `boards` is the dashboard's message of some."""

    people: list[int]
    groups: list[int]
    boards: dict[int, int] = field(default_factory=dict)

    @property
    def blocked(self) -> list[int]:
        return self.people[-BLOCKED:]

    @property
    def slow(self) -> list[int]:
        return self.people[-BLOCKED - SLOW : -BLOCKED]

    @property
    def chats(self) -> list[int]:
        return self.people + self.groups


async def found_town(post, call) -> Town:
    """Let everybody join: `post` speaks to the sandbox's side, `call` to the Bot API."""
    people = [(await post("chats", {"first_name": f"P{n}"}))["id"] for n in range(PEOPLE)]
    groups = [(await post("chats", {"title": f"G{n}", "type": "group"}))["id"] for n in range(GROUPS)]
    town = Town(people, groups)
    for chat in people[:DASHBOARDS]:
        sent = await call("sendMessage", chat_id=chat, text="dashboard")
        town.boards[chat] = sent["message_id"]
        await asyncio.sleep(0.05)
    for chat in town.blocked:
        await post(f"chats/{chat}/block", {})
    return town


async def break_loose(post, town: Town) -> None:
    """Let things go wrong from now on: 4 % 5xx, 2 % resets and 2 % timeouts after the write, 1 % HTML 502, some 429."""
    for chat in town.slow:
        await post("faults", {"kind": "slow", "chat_id": chat, "seconds": 5, "count": None})
    for method in sorted(METERED):
        for kind, probability, more in (
            ("error", 0.04, {"code": 500, "description": "Internal Server Error"}),
            ("reset_after", 0.02, {}),
            ("timeout", 0.02, {"count": 30}),
            ("html_502", 0.01, {"executed": True}),
            ("retry_after", 0.005, {"seconds": 3}),
        ):
            rule = {"kind": kind, "method": method, "probability": probability, "count": None, **more}
            await post("faults", rule)


class Weather:
    """Makes the messages, wave by wave."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._dice = random.Random(SEED)
        self._numbers = itertools.count(1)
        self.sent: list[SendMessage] = []

    def waves(self) -> Iterator[list[SendMessage]]:
        """Make what is said at once, wave after wave; the pauses between are the caller's."""
        for make in (self._opening, self._middle, self._end):
            yield make()

    def _opening(self) -> list[SendMessage]:
        town = self._town
        told = [self._text(chat, SendClass.BROADCAST) for chat in self._shuffled(town.chats)[:200]]
        return told + [self._signal(chat) for chat in self._shuffled(town.chats)]

    def _middle(self) -> list[SendMessage]:
        town = self._town
        told = [self._text(chat, SendClass.STOP) for chat in self._shuffled(town.people)[:150]]
        told += [self._text(chat, SendClass.REPLY) for chat in self._shuffled(town.people)[:240]]
        told += [self._edit(chat) for _ in range(5) for chat in town.boards]
        told += [self._bad(chat) for chat in self._shuffled(town.people[:-BLOCKED])[:10]]
        return told

    def _end(self) -> list[SendMessage]:
        town = self._town
        told = [self._exit(chat) for chat in self._shuffled(town.people)[:150]]
        told += [self._text(chat, SendClass.REPLY) for chat in self._shuffled(town.people)[:150]]
        told += [self._edit(chat) for _ in range(5) for chat in town.boards]
        told += [self._text(chat, SendClass.BROADCAST) for chat in self._shuffled(town.chats)[:100]]
        return told

    def _shuffled(self, chats: list[int]) -> list[int]:
        return self._dice.sample(chats, len(chats))

    def _message(self, chat: int, kind: SendClass, content: object, mark: str, **more: object) -> SendMessage:
        message = SendMessage(
            id=f"m:storm:{mark}", at=datetime.now(UTC), chat_id=chat, subscriber_id=abs(chat), kind=kind,
            content=content, language="id", time_zone="Asia/Jakarta", **more,
        )  # fmt: skip
        self.sent.append(message)
        return message

    def _mark(self, kind: SendClass) -> str:
        return f"{_LETTERS[kind]}{next(self._numbers):04d}"

    def _text(self, chat: int, kind: SendClass) -> SendMessage:
        mark = self._mark(kind)
        return self._message(chat, kind, TextNotice(html=f"<b>{kind.value}</b> #{mark}"), mark)

    def _bad(self, chat: int) -> SendMessage:
        mark = self._mark(SendClass.REPLY)
        return self._message(chat, SendClass.REPLY, TextNotice(html=f"<blink>#{mark}</blink>"), mark)

    def _edit(self, chat: int) -> SendMessage:
        mark = self._mark(SendClass.DASHBOARD)
        content = TextNotice(html=f"dashboard #{mark}", edit_message_id=self._town.boards[chat])
        return self._message(chat, SendClass.DASHBOARD, content, mark, coalesce="dashboard")

    def _signal(self, chat: int) -> SendMessage:
        mark = self._mark(SendClass.SIGNAL)
        content = signal_notice(position_id=f"p:{mark}", short_id=mark)
        life = timedelta(seconds=SIGNAL_LIFE_S)
        chart = {"chart_key": CHART} if chat in self._town.people[:100] else {}
        more = {"position_id": f"p:{mark}", "expires_at": datetime.now(UTC) + life, **chart}
        return self._message(chat, SendClass.SIGNAL, content, mark, **more)

    def _exit(self, chat: int) -> SendMessage:
        mark = self._mark(SendClass.EXIT)
        content = outcome_notice(position_id=f"p:{mark}", short_id=mark)
        return self._message(chat, SendClass.EXIT, content, mark, position_id=f"p:{mark}")


async def publish(bus, wave: list[SendMessage]) -> None:
    """Publish a wave as the outbox does."""
    outgoing = [Outgoing(catalogue.SEND.subject(m.kind.value, m.chat_id), codec.encode(m), m.id) for m in wave]
    for start in range(0, len(outgoing), 250):
        await bus.publish_batch(outgoing[start : start + 250])


@dataclass
class Showing:
    """A message that appeared in a chat: when the server took it, and whether it says that it is a repeat."""

    at: float
    chat_id: int
    is_repeat: bool


@dataclass
class Account:
    """What the Bot API's journal says of a storm."""

    sent: list[SendMessage]
    entries: list[dict]
    first_number: int = 0

    def __post_init__(self) -> None:
        self.entries = [one for one in self.entries if one["method"] in METERED and one["number"] > self.first_number]
        self.showings: dict[str, list[Showing]] = defaultdict(list)
        for entry in self.entries:
            words = _words(entry)
            mark = _MARK.search(words)
            if entry["outcome"] == "accepted" and mark and entry["method"] in ("sendMessage", "sendPhoto"):
                at = entry["received_at"] + entry["held_s"]
                self.showings[mark[1]].append(Showing(at, entry["chat_id"], REPEAT_MARK in words))

    def shown(self, message: SendMessage) -> list[Showing]:
        return self.showings.get(_mark_of(message), [])

    def doubled(self) -> list[str]:
        """List the marks that stand in a chat twice without saying so."""
        return [mark for mark, shown in self.showings.items() if sum(not one.is_repeat for one in shown) > 1]

    def never_shown(self, unreachable: list[int]) -> list[SendMessage]:
        """List what no reader ever saw, of what could be seen: edits replace each other, and bad markup is refused."""
        return [
            one
            for one in self.sent
            if one.kind is not SendClass.DASHBOARD
            and one.chat_id not in unreachable
            and not getattr(one.content, "html", "").startswith("<blink>")
            and not self.shown(one)
        ]

    def repeats(self) -> int:
        return sum(one.is_repeat for shown in self.showings.values() for one in shown)

    def out_of_order(self, unclear: set[str]) -> int:
        """Count what appeared in a chat behind its successor; what is `unclear` may have appeared at any time."""
        wrong, last = 0, defaultdict(float)
        for message in self.sent:
            shown = self.shown(message)
            if not shown or message.id in unclear or len(shown) > 1:
                continue
            at = shown[0].at
            wrong += at < last[message.chat_id]
            last[message.chat_id] = max(at, last[message.chat_id])
        return wrong

    def in_time(self, unreachable: list[int]) -> tuple[int, int]:
        """Count the signals that appeared before they expired, and those that could."""
        signals = [m for m in self.sent if m.kind is SendClass.SIGNAL and m.chat_id not in unreachable]
        return sum(any(one.at <= m.expires_at.timestamp() for one in self.shown(m)) for m in signals), len(signals)

    def busiest_second(self) -> int:
        """Count the calls of the fullest second, refused and spoilt ones included."""
        times = sorted(one["received_at"] for one in self.entries)
        return max(bisect_left(times, at + 1.0) - place for place, at in enumerate(times))

    def floods(self) -> int:
        """Count the 429s that the server's own limits gave, not the faults."""
        return sum(one["error_code"] == 429 and one["fault"] is None for one in self.entries)

    def held_s(self) -> float:
        """Tell how long the server held calls back in all."""
        return sum(one["held_s"] for one in self.entries)

    def rate(self) -> float:
        """Tell the calls per second while there was work: until 95 % were made, without the pauses of a fail-over."""
        times = sorted(one["received_at"] for one in self.entries)
        times = times[: int(len(times) * 0.95)]
        active = sum(min(after - before, 1.0) for before, after in itertools.pairwise(times) if after - before < 1.0)
        return len(times) / active

    def figures(self, unreachable: list[int]) -> dict:
        """Tell it all in a few figures."""
        return {
            "calls": len(self.entries),
            "rate": round(self.rate(), 1),
            "busiest_second": self.busiest_second(),
            "floods": self.floods(),
            "held_s": round(self.held_s(), 2),
            "signals_in_time": self.in_time(unreachable),
            "doubled": len(self.doubled()),
            "repeats_marked": self.repeats(),
            "calls_by_outcome": dict(self.outcomes()),
        }

    def first_call_after(self, moment: float) -> float:
        """Tell when a call arrived that nobody can have made before `moment`."""
        return min(one["received_at"] for one in self.entries if one["received_at"] > moment + IN_THE_AIR_S)

    def outcomes(self) -> Counter:
        return Counter(f"{one['outcome']}/{one['answer']}" for one in self.entries)


def _words(entry: dict) -> str:
    parameters = entry["parameters"]
    return parameters.get("text") or parameters.get("caption") or ""


def _mark_of(message: SendMessage) -> str:
    return message.id.rpartition(":")[2]
