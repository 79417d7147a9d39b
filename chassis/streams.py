"""Bring the broker's streams, consumers and buckets into line with the catalogue.

Idempotent. All is looked at first, and nothing is changed where anything would lose data: limits smaller than what is
stored, another retention, storage or partitioning of a stream that holds messages. Raw API requests only: nats-py's
dataclasses drop fields that they do not know, and would wipe a pinned consumer's policy without a word.

Decided here:

* `written_behind` streams lie in a file that is written behind (`persist_mode: async`). A stream in memory vanishes
  with its consumers when its only server restarts (measured on 2.15.1); this one loses at most its last messages.
* Work queues, and streams kept for ever, refuse new messages when they are full; the others forget the oldest.
  The server allows no such refusal beside schedules: watch the fill of SENDS.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from chassis.errors import RejectedError
from chassis.nats_link import ApiError, Link
from chassis.pull_consumer import PINNED_GROUP, PINNED_TIMEOUT_S
from chassis.stream_reader import moment_of
from contracts import catalogue
from contracts.catalogue import stream_subjects, stream_transform
from contracts.channels import Bucket, Consumer, Retention, Stream

_SECOND_NS = 1_000_000_000
_FOR_LIFE = ("retention", "storage", "persist_mode", "subject_transform")
_FOR_LIFE_OF_CONSUMER = ("deliver_policy", "ack_policy")
_DEFAULTS: dict[str, Any] = {
    "max_msgs": -1,
    "max_bytes": -1,
    "max_age": 0,
    "max_msgs_per_subject": -1,
    "discard_new_per_subject": False,
    "allow_msg_schedules": False,
    "allow_atomic": False,
    "allow_rollup_hdrs": False,
    "allow_direct": False,
    "subject_transform": None,
    "persist_mode": "",
    "filter_subject": "",
    "filter_subjects": [],
    "priority_policy": "none",
    "priority_groups": [],
    "priority_timeout": 0,
}

Config = dict[str, Any]


class Outcome(StrEnum):
    """What became of one thing."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the report. `details` says what an update changed: `max_bytes: 1 → 2`."""

    kind: str
    name: str
    outcome: Outcome
    details: tuple[str, ...] = ()


class DataLossError(RejectedError):
    """Nothing was changed, because these changes would lose data; one line for each."""


class Linked(Protocol):
    """A bus with a connection: `NatsBus`."""

    @property
    def link(self) -> Link:
        """The connection."""
        ...


@dataclass(frozen=True, slots=True)
class _Step:
    kind: str
    name: str
    path: str
    wanted: Config
    found: Config | None

    @property
    def differences(self) -> tuple[str, ...]:
        found = self.found or {}
        return tuple(
            f"{key}: {_shown(_value(found, key))} → {_shown(value)}"
            for key, value in self.wanted.items()
            if _value(found, key) != _value(self.wanted, key)
        )

    @property
    def outcome(self) -> Outcome:
        if self.found is None:
            return Outcome.CREATED
        return Outcome.UPDATED if self.differences else Outcome.UNCHANGED


async def apply(
    bus: Linked,
    *,
    streams: Sequence[Stream] = catalogue.STREAMS,
    consumers: Sequence[Consumer] = catalogue.CONSUMERS,
    buckets: Sequence[Bucket] = catalogue.BUCKETS,
    replicas: int | None = None,
    may_lose_data: bool = False,
) -> list[Change]:
    """Create what is missing, update what differs, and report each. What the catalogue does not know is left alone.

    `replicas` None keeps what a stream has, 1 for a new one.

    Raises:
        DataLossError: something would be lost, and `may_lose_data` is not given.
        RejectedError: the broker refuses a change; says which.
        TransientError: no answer.
    """
    steps, losses = await _plan(bus.link, streams, consumers, buckets, replicas)
    if losses and not may_lose_data:
        raise DataLossError("\n".join(losses))
    return [await _carry_out(bus.link, step) for step in steps]


async def _plan(
    link: Link,
    streams: Iterable[Stream],
    consumers: Iterable[Consumer],
    buckets: Iterable[Bucket],
    replicas: int | None,
) -> tuple[list[_Step], list[str]]:
    steps: list[_Step] = []
    losses: list[str] = []
    wanted = [("stream", stream.name, stream_config(stream)) for stream in streams]
    wanted += [("bucket", bucket.name, bucket_config(bucket)) for bucket in buckets]
    for kind, name, config in wanted:
        info = await _look(link, f"STREAM.INFO.{config['name']}", {"subjects_filter": ">"})
        if replicas is not None:
            config["num_replicas"] = replicas
        step = _Step(kind, name, f"STREAM.{{}}.{config['name']}", config, info and info["config"])
        steps.append(step)
        if info is not None and step.differences:
            losses += [f"{kind} {name}: {loss}" for loss in _losses(config, info)]
    for consumer in consumers:
        path = f"{consumer.stream}.{consumer.name}"
        info = await _look(link, f"CONSUMER.INFO.{path}", None)
        step = _Step("consumer", consumer.name, path, consumer_config(consumer), info and info["config"])
        steps.append(step)
        if info is not None:
            losses += [f"consumer {consumer.name}: {loss}" for loss in _consumer_losses(step.wanted, info["config"])]
    return steps, losses


async def _look(link: Link, subject: str, body: Mapping[str, Any] | None) -> dict[str, Any] | None:
    try:
        return await link.call(subject, body)
    except ApiError as e:
        if e.code == 404:
            return None
        raise


async def _carry_out(link: Link, step: _Step) -> Change:
    outcome = step.outcome
    if outcome is not Outcome.UNCHANGED:
        config = {**(step.found or {"num_replicas": 1}), **step.wanted}
        is_new = outcome is Outcome.CREATED
        try:
            if step.kind == "consumer":
                body = {"stream_name": step.path.split(".")[0], "config": config}
                action = "create" if is_new else "update"
                await link.call(f"CONSUMER.CREATE.{step.path}", {**body, "action": action})
            else:
                await link.call(step.path.format("CREATE" if is_new else "UPDATE"), config)
        except ApiError as e:
            raise RejectedError(f"{step.kind} {step.name}: {e}") from e
    return Change(step.kind, step.name, outcome, step.differences if outcome is Outcome.UPDATED else ())


def stream_config(stream: Stream) -> Config:
    """Say a stream in the API's words."""
    may_not_forget = stream.retention is Retention.WORK_QUEUE or stream.max_age_s == 0
    transform = stream_transform(stream)
    return {
        "name": stream.name,
        "subjects": list(stream_subjects(stream)),
        "retention": stream.retention.value,
        "storage": "file",
        "persist_mode": "async" if stream.written_behind else "",
        "max_age": stream.max_age_s * _SECOND_NS,
        "max_bytes": stream.max_bytes,
        "max_msgs_per_subject": stream.per_subject,
        "discard": "new" if may_not_forget and not stream.schedules else "old",
        "discard_new_per_subject": stream.coalesce,
        "duplicate_window": stream.dedupe_s * _SECOND_NS,
        "allow_msg_schedules": stream.schedules,
        "allow_atomic": stream.atomic,
        "subject_transform": {"src": transform[0], "dest": transform[1]} if transform else None,
    }


def consumer_config(consumer: Consumer) -> Config:
    """Say a consumer in the API's words."""
    policy = "new" if consumer.only_new else "last_per_subject" if consumer.last_per_subject else "all"
    config: Config = {
        "durable_name": consumer.name,
        "name": consumer.name,
        "deliver_policy": policy,
        "ack_policy": "explicit",
        "ack_wait": int(consumer.ack_wait_s * _SECOND_NS),
        "max_deliver": consumer.max_deliver,
        "max_ack_pending": consumer.in_flight,
        "filter_subject": consumer.filters[0] if len(consumer.filters) == 1 else "",
        "filter_subjects": list(consumer.filters) if len(consumer.filters) > 1 else [],
        "priority_policy": "none",
        "priority_groups": [],
        "priority_timeout": 0,
    }
    if consumer.pinned:
        config |= {
            "priority_policy": "pinned_client",
            "priority_groups": [PINNED_GROUP],
            "priority_timeout": int(PINNED_TIMEOUT_S * _SECOND_NS),
        }
    return config


def bucket_config(bucket: Bucket) -> Config:
    """Say an object store in the API's words. Source: NATS ADR-20."""
    return {
        "name": f"OBJ_{bucket.name}",
        "subjects": [f"$O.{bucket.name}.C.>", f"$O.{bucket.name}.M.>"],
        "retention": "limits",
        "storage": "file",
        "max_age": bucket.max_age_s * _SECOND_NS,
        "max_bytes": bucket.max_bytes,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
    }


def _losses(wanted: Config, info: Mapping[str, Any]) -> list[str]:
    found, state = info["config"], info["state"]
    if not state["messages"]:
        return []
    losses = [
        f"{key} is {_shown(_value(found, key))} for life, not {_shown(wanted[key])}, while it holds messages"
        for key in _FOR_LIFE
        if key in wanted and _value(found, key) != _value(wanted, key)
    ]
    if 0 < wanted["max_bytes"] < state["bytes"]:
        losses.append(f"max_bytes {wanted['max_bytes']} is less than the {state['bytes']} that are stored")
    age_s = (datetime.now(UTC) - moment_of(state["first_ts"])).total_seconds()
    if wanted["max_age"] and wanted["max_age"] < age_s * _SECOND_NS:
        losses.append(f"max_age {wanted['max_age'] // _SECOND_NS} s is less than the age of what is stored")
    fullest = max((state.get("subjects") or {"": 0}).values())
    if 0 < wanted.get("max_msgs_per_subject", -1) < fullest:
        losses.append(
            f"max_msgs_per_subject {wanted['max_msgs_per_subject']} is less than the {fullest} of one subject"
        )
    return losses


def _consumer_losses(wanted: Config, found: Config) -> list[str]:
    return [
        f"{key} is {_shown(_value(found, key))} for life, not {_shown(wanted[key])}: delete it by hand"
        for key in _FOR_LIFE_OF_CONSUMER
        if _value(found, key) != _value(wanted, key)
    ]


def _value(config: Mapping[str, Any], key: str) -> Any:
    value = config.get(key, _DEFAULTS.get(key))
    value = _DEFAULTS.get(key) if value is None else value
    return sorted(value) if isinstance(value, list) else value


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
