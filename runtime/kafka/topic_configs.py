"""A topic's real settings compared with the registry, and with the codecs that are installed here.

Pure: ``runtime.kafka.client`` reads and changes the settings.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from importlib.util import find_spec
from typing import NamedTuple

from schemas.topic_registry import Topic

Settings = Mapping[str, str | None]
"""The name of a setting to its value; absent where the broker does not tell it."""
_DAY_MS = 86_400_000


class Harm(IntEnum):
    """What a difference does, the worst last."""

    NOTE = 1
    """It works, with less safety than the registry asks for."""
    LOSS = 2
    """Messages are lost in an outage, or are refused."""
    RUIN = 3
    """State that has to stay is deleted in ordinary operation: services refuse to start."""


class Difference(NamedTuple):
    """One setting of one topic."""

    setting: str
    wanted: str
    harm: Harm
    text: str
    """What is wrong, after the name of the topic."""


def min_insync(replication: int) -> int:
    """In-sync replicas that a write waits for: all but one, so that one broker may be away."""
    return max(1, replication - 1)


def configs(topic: Topic, replication: int) -> dict[str, str]:
    """Kafka's configuration of a topic with so many replicas."""
    return {**topic.configs(), "min.insync.replicas": str(min_insync(replication))}


def differences(present: Settings, topic: Topic, replication: int) -> Iterator[Difference]:
    """What is wrong with a topic; more room or more safety than ours is never wrong.

    ``replication`` is that of the topic itself. What the broker does not tell is not judged.
    """
    yield from _policy(present, topic)
    yield from _room(present, topic)
    yield from _time(present, topic)
    wanted, replicas = min_insync(replication), _number(present.get("min.insync.replicas"))
    if replicas is not None and replicas < wanted:
        text = (
            f"acknowledges a write with {replicas} of {replication} copies; "
            f"set min.insync.replicas to {wanted}"
        )
        yield Difference("min.insync.replicas", str(wanted), Harm.NOTE, text)
    if replicas is not None and replicas > replication:
        text = (
            f"asks for {replicas} in-sync copies and has {replication}, so it takes no write; "
            f"set min.insync.replicas to {wanted}"
        )
        yield Difference("min.insync.replicas", str(wanted), Harm.LOSS, text)


def _policy(present: Settings, topic: Topic) -> Iterator[Difference]:
    policy = present.get("cleanup.policy")
    if policy is None or set(policy.split(",")) == {topic.cleanup}:
        return
    deletes = topic.cleanup == "compact" and "delete" in policy
    why = "deletes state that has to stay" if deletes else "keeps only the last message of a key"
    text = f"has cleanup.policy {policy}, which {why}; set it to {topic.cleanup}"
    yield Difference("cleanup.policy", topic.cleanup, Harm.RUIN if deletes else Harm.LOSS, text)


def _room(present: Settings, topic: Topic) -> Iterator[Difference]:
    size, limit = _number(present.get("max.message.bytes")), topic.max_message_bytes
    if size is not None and size < limit:
        text = f"takes messages of {size} bytes only; set max.message.bytes to {limit}"
        yield Difference("max.message.bytes", str(limit), Harm.LOSS, text)


def _time(present: Settings, topic: Topic) -> Iterator[Difference]:
    wanted = topic.configs().get("retention.ms")
    kept = _number(present.get("retention.ms"))
    if wanted is not None and kept is not None and 0 <= kept < int(wanted):
        text = f"keeps messages {kept / _DAY_MS:.1f} days; set retention.ms to {wanted}"
        yield Difference("retention.ms", wanted, Harm.LOSS, text)
    size = _number(present.get("retention.bytes"))
    if topic.cleanup == "delete" and size is not None and size >= 0:
        text = (
            f"keeps {size:,} bytes a partition, whatever their age, so that a busy day may end "
            "unread messages; set retention.bytes to -1 unless the disk is small"
        )
        yield Difference("retention.bytes", "-1", Harm.NOTE, text)
    clock = present.get("message.timestamp.type")
    if clock not in (None, "CreateTime"):
        text = (
            f"has message.timestamp.type {clock}, so its records do not tell when they were "
            "written; set it to CreateTime"
        )
        yield Difference("message.timestamp.type", "CreateTime", Harm.NOTE, text)


def _number(value: str | None) -> int | None:
    try:
        return None if value is None else int(value)
    except ValueError:
        return None


def command(topic: str, found: Mapping[str, str], servers: str) -> str:
    """The ``kafka-configs`` line that gives a topic (with its prefix) these settings."""
    settings = ",".join(f"{name}={value}" for name, value in found.items())
    return (
        f"kafka-configs.sh --bootstrap-server {servers} --alter --entity-type topics "
        f"--entity-name {topic} --add-config {settings}"
    )


_CODECS = {"lz4": "lz4", "snappy": "python-snappy", "zstd": "zstandard"}
_CODEC_MODULES = {
    "lz4": ("lz4", "cramjam"),
    "snappy": ("snappy", "cramjam"),
    "zstd": ("zstandard", "cramjam"),
}
"""What kafka-python and aiokafka import to read each compression."""


def is_readable(compression: str | None, find: Callable[[str], object | None] = find_spec) -> bool:
    """Whether records of this ``compression.type`` can be read here."""
    modules = _CODEC_MODULES.get(compression or "", ())
    return all(find(module) is not None for module in modules)


def unreadable_compression(error: BaseException) -> str:
    """The sentence for records whose compression no installed package can read."""
    codec = re.search(r"lz4|snappy|zstd", str(error).lower())
    name = codec[0] if codec else "an unknown codec"
    package = _CODECS.get(name)
    # aiokafka reads all of them with cramjam, kafka-python each with a package of its own.
    install = f"run pip install {package} cramjam, or " if package else ""
    return (
        f"a topic is compressed with {name}, which this installation cannot read; {install}set the "
        "topic's compression.type to producer or gzip, and let what was written so expire"
    )
