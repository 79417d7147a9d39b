"""Who may say and hear what at the broker: one user per room and per tool, from the catalogue.

A user may publish what it produces, pull and settle its own consumers by their exact names, look into the streams that
name it as a reader, ask and answer what the catalogue says, and hear replies in an inbox of its own: nothing else. The
server refuses the rest and tells whoever tried (`sinyal_bus_errors_total{kind="permission"}`).

What NATS cannot narrow: who reads a stream reads all of it, and whoever may publish schedules into a stream may write
on any of its subjects, so only the room that consumes it may.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts import catalogue
from contracts.catalogue import stream_subjects
from contracts.channels import Bucket, Consumer, Retention, Stream

ROOMS = ("feed", "signals", "positions", "charts", "telegram")
PROVISIONER, OPERATOR, RECORDER = "provisioner", "operator", "recorder"
USERS = (*ROOMS, PROVISIONER, OPERATOR, RECORDER)
"""The rooms; who makes streams (`sinyal streams apply`), who looks after dead letters (`sinyal dlq`), who writes tapes
(`sinyal feed record`). Each connects by its name, which is also the prefix of its inbox.
"""
ANSWER_WITHIN_S = 60
"""How long a room may take over an answer; the most patient question waits for 15 s."""


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """Subjects that one user may publish and hear; `denied` beats `publish`. One that `answers` may reply once to each
    question it hears.
    """

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    denied: tuple[str, ...] = ()
    answers: bool = False


def broker_users() -> tuple[BrokerUser, ...]:
    """List all users."""
    return (*(_room(room) for room in ROOMS), _provisioner(), _operator(), _recorder())


def _room(room: str) -> BrokerUser:
    own = [consumer for consumer in catalogue.CONSUMERS if consumer.room == room]
    read = [stream.name for stream in catalogue.STREAMS if room in stream.readers]
    publish = [
        *(topic.published for topic in catalogue.TOPICS if room in topic.producers),
        *(question.subject for question in catalogue.ASKS if room in question.askers),
        *_schedules(own),
        *(subject for consumer in own for subject in _consuming(consumer)),
        *(subject for stream in read for subject in _reading(stream)),
        *(subject for bucket in catalogue.BUCKETS for subject in _storing(bucket, room)),
    ]
    if catalogue.COLLECTOR in own:
        publish += _collecting()
    heard = [topic.published for topic in catalogue.TOPICS if topic.stream is None and room in topic.consumers]
    answered = [question.subject for question in catalogue.ASKS if question.room == room]
    return BrokerUser(
        name=room,
        publish=_sorted(publish),
        subscribe=_sorted([inbox(room), *heard, *answered]),
        denied=_others_consumers(room, read),
        answers=bool(answered),
    )


def _provisioner() -> BrokerUser:
    return BrokerUser(PROVISIONER, ("$JS.API.>",), (inbox(PROVISIONER),))


def _operator() -> BrokerUser:
    """The operator sends dead letters again: to any subject that is stored."""
    streams = [topic.published for topic in catalogue.TOPICS if topic.stream is not None]
    return BrokerUser(
        OPERATOR,
        _sorted([*streams, *_reading("DEAD"), _deleting("DEAD")]),
        (inbox(OPERATOR),),
    )


def _recorder() -> BrokerUser:
    return BrokerUser(RECORDER, _sorted(_reading(str(catalogue.TICK.stream))), (inbox(RECORDER),))


def inbox(name: str) -> str:
    """Name the subjects on which a user hears replies."""
    return f"_INBOX_{name}.>"


def _schedules(own: Iterable[Consumer]) -> list[str]:
    """List where a room may put messages of later: into the streams it consumes, since their target is not checked."""
    streams: Mapping[str, Stream] = {stream.name: stream for stream in catalogue.STREAMS if stream.schedules}
    consumed = {consumer.stream for consumer in own} & streams.keys()
    return [subject for name in consumed for subject in stream_subjects(streams[name]) if subject.startswith("later.")]


def _consuming(consumer: Consumer) -> list[str]:
    """List what pulling and settling take. The second form of the acknowledgement is that of later servers."""
    path = f"{consumer.stream}.{consumer.name}"
    pinned = ("INFO", "RESET", "UNPIN") if consumer.pinned else ()
    return [
        f"$JS.API.CONSUMER.MSG.NEXT.{path}",
        f"$JS.ACK.{path}.>",
        f"$JS.ACK.*.*.{path}.>",
        *(f"$JS.API.CONSUMER.{verb}.{path}" for verb in pinned),
    ]


def _reading(stream: str) -> list[str]:
    """List what reading without a durable consumer takes: single messages, or an ephemeral consumer."""
    return [
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
    ]


def _others_consumers(room: str, read: Iterable[str]) -> tuple[str, ...]:
    """List the durable consumers of others on streams that a room reads; the names of ephemeral ones nobody knows."""
    others = (consumer for consumer in catalogue.CONSUMERS if consumer.room != room and consumer.stream in read)
    return _sorted(f"$JS.API.CONSUMER.MSG.NEXT.{consumer.stream}.{consumer.name}" for consumer in others)


def _collecting() -> list[str]:
    """List what the collector of dead letters takes: it reads what a consumer gave up on, and clears work queues."""
    consumed = {consumer.stream for consumer in catalogue.CONSUMERS} - {catalogue.COLLECTOR.stream}
    queues = [stream.name for stream in catalogue.STREAMS if stream.retention is Retention.WORK_QUEUE]
    return [
        *(f"$JS.API.STREAM.MSG.GET.{stream}" for stream in consumed),
        *(_deleting(stream) for stream in (*queues, "DEAD")),
    ]


def _deleting(stream: str) -> str:
    return f"$JS.API.STREAM.MSG.DELETE.{stream}"


def _storing(bucket: Bucket, room: str) -> list[str]:
    """List what an object store takes. Source: NATS ADR-20, and what nats-py asks for."""
    stream = f"OBJ_{bucket.name}"
    subjects = []
    if room in (*bucket.readers, *bucket.writers):
        subjects += [
            "$JS.API.STREAM.NAMES",
            f"$JS.API.STREAM.INFO.{stream}",
            f"$JS.API.STREAM.MSG.GET.{stream}",
            f"$JS.API.DIRECT.GET.{stream}",
            f"$JS.API.DIRECT.GET.{stream}.>",
            f"$JS.API.CONSUMER.CREATE.{stream}",
            f"$JS.API.CONSUMER.CREATE.{stream}.>",
            f"$JS.API.CONSUMER.DELETE.{stream}.*",
            f"$JS.FC.{stream}.>",
        ]
    if room in bucket.writers:
        subjects += [f"$O.{bucket.name}.C.*", f"$O.{bucket.name}.M.*", f"$JS.API.STREAM.PURGE.{stream}"]
    return subjects


def _sorted(subjects: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(subjects)))


def key_variable(name: str) -> str:
    """Name the variable that stands for a user's public key in the server's configuration."""
    return f"SINYAL_{name.upper()}_NKEY"


def seed_setting(name: str) -> str:
    """Name the setting that holds a user's seed."""
    return f"SINYAL_{name.upper()}_NATS_SEED"


def configuration(users: Iterable[BrokerUser]) -> str:
    """Write the part of a server's configuration that names the users. Their public keys are variables."""
    lines = ["authorization {", "  users: ["]
    for user in users:
        lines += [f"    {{ # {user.name}", f"      nkey: ${key_variable(user.name)}", "      permissions: {"]
        lines += _listed("publish", user.publish, user.denied)
        lines += _listed("subscribe", user.subscribe)
        if user.answers:
            lines.append(f'        allow_responses: {{ max: 1, expires: "{ANSWER_WITHIN_S}s" }}')
        lines += ["      }", "    }"]
    return "\n".join([*lines, "  ]", "}", ""])


def _listed(verb: str, allowed: Iterable[str], denied: Iterable[str] = ()) -> list[str]:
    lines = [f"        {verb}: {{", "          allow: ["]
    lines += [f'            "{subject}"' for subject in allowed]
    lines.append("          ]")
    if denied:
        lines += ["          deny: [", *(f'            "{subject}"' for subject in denied), "          ]"]
    return [*lines, "        }"]
