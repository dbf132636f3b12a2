"""Kafka, its topics, and what stands on them: brands, lag, dead letters, the sources' positions."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

from ingestors.checkpoints import TOPIC as CHECKPOINTS
from runtime.clock import utc_now
from runtime.kafka import client as kafka
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.group_positions import KafkaStandings
from runtime.kafka.reader import latest_values, partitions_of
from runtime.settings import KafkaSettings, load
from schemas.codec import CHECKPOINT
from schemas.errors import ConfigurationError, InvalidMessage, ServiceUnavailable, TocsinError
from schemas.topic_registry import topics
from tocsin.checkup.check_runner import Noted, Skipped
from tocsin.local.state_file import StateFile

_CONNECT_S = 3.0
GROUPS = {
    "process": "posts",
    "detector": "activity",
    "sink-elasticsearch": "mentions",
    "sink-alerts-index": "alerts",
}
"""Consumer group to its topic, both without their prefixes."""


def check_kafka() -> str:
    settings = load(KafkaSettings)
    try:
        with kafka.admin(settings, _CONNECT_S) as client:
            # Not describe_cluster, whose answer not every broker gives.
            present = client.list_topics()
    except ServiceUnavailable as error:
        running = StateFile().read()
        if running is None or running.kafka == settings.bootstrap_servers:
            raise
        raise ServiceUnavailable(
            f"{error}; '{running.command}' runs in this folder: eval \"$(tocsin env)\" sets it"
        ) from None
    return f"{settings.bootstrap_servers} answers, with {len(present)} topics"


def check_topics() -> str:
    """All topics exist, take our largest messages, keep them long enough, and can be read."""
    settings = load(KafkaSettings)
    with kafka.admin(settings, _CONNECT_S) as client:
        names = {settings.topic_prefix + name: topic for name, topic in topics().items()}
        missing = sorted(names.keys() - set(client.list_topics()))
        if missing:
            raise TocsinError(f"missing: {', '.join(missing)}; run 'tocsin topics setup'")
        described = kafka.topic_settings(client, names)
    complaints = []
    for name, topic in names.items():
        values = described.get(name, {})
        complaints += [f"{name} {what}" for what in topic_complaints(values, topic.configs())]
    if complaints:
        raise ConfigurationError("; ".join(complaints))
    return f"all {len(names)} exist, with the sizes and retentions of docs/topics.md"


def topic_complaints(present: dict[str, str | None], ours: dict[str, str]) -> Iterator[str]:
    """What is wrong with a topic of these settings; more room than ours is never wrong."""
    size, limit = present.get("max.message.bytes"), ours["max.message.bytes"]
    if size is not None and int(size) < int(limit):
        yield f"takes messages of {size} bytes only; set max.message.bytes to {limit}"
    kept, wanted = present.get("retention.ms"), ours.get("retention.ms")
    if kept is not None and wanted is not None and 0 <= int(kept) < int(wanted):
        yield f"keeps messages {int(kept) / 86_400_000:.1f} days; set retention.ms to {wanted}"
    policy = present.get("cleanup.policy")
    if policy is not None and policy != ours["cleanup.policy"]:
        yield f"has cleanup.policy {policy}; set it to {ours['cleanup.policy']}"
    codec = present.get("compression.type")
    if not kafka.is_readable(codec):
        yield kafka.unreadable_compression(ValueError(codec)).removeprefix("a topic ")


def check_brands() -> str:
    from brands.registry import current_brands

    brands = current_brands(load(KafkaSettings))
    if not brands:
        raise TocsinError(
            "none are published, so processors wait; run 'tocsin brands apply brands.yaml'"
        )
    return f"{len(brands)} published"


def check_lag() -> str:
    """The lag of every group; a note where messages wait and nobody reads."""
    settings, told, unread = load(KafkaSettings), [], []
    for group, topic in GROUPS.items():
        with closing(KafkaStandings(settings, topic, [group])) as standings:
            standing = standings.read()[group]
        told.append(f"{group} {standing.total}")
        if standing.total and not standing.members:
            unread.append(group)
        elif standing.total and not standing.owners:
            unread.append(f"{group} ({standing.state}, {standing.members} members)")
    text = "messages that wait: " + ", ".join(told)
    if unread:
        raise Noted(f"{text}; nobody reads for {', '.join(unread)}: start that service")
    return text


def check_dead_letters() -> str:
    """The count of the last hour, from offsets: nothing is read."""
    settings = load(KafkaSettings)
    since = int((utc_now() - timedelta(hours=1)).timestamp() * 1000)
    with kafka.open_consumer(settings, "doctor") as consumer:
        partitions = partitions_of(consumer, settings.topic_prefix + DEAD_LETTERS)
        ends = consumer.end_offsets(partitions)
        begins = consumer.offsets_for_times(dict.fromkeys(partitions, since))
    count = sum(ends[tp] - begin.offset for tp, begin in begins.items() if begin is not None)
    if count:
        raise Noted(f"{count} in the last hour; see 'tocsin dead-letters list'")
    return "none in the last hour"


def check_sources() -> str:
    """When each source last saved its position."""
    now, told = utc_now(), []
    for value in latest_values(load(KafkaSettings), "doctor", CHECKPOINTS).values():
        try:
            checkpoint = CHECKPOINT.decode(value)
        except InvalidMessage as error:
            raise TocsinError(f"a checkpoint cannot be read ({error.detail})") from None
        minutes = max(0, int((now - checkpoint.saved_at).total_seconds() // 60))
        told.append(f"{checkpoint.source_id} {minutes} minutes ago")
    if not told:
        raise Skipped("no source has ever delivered; start one, such as 'tocsin ingest bluesky'")
    return "last position saved: " + ", ".join(sorted(told)[:8])
