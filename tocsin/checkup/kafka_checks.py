"""Kafka, its topics, and what stands on them: brands, lag, dead letters, the sources' positions."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

from ingestors.checkpoints import TOPIC as CHECKPOINTS
from runtime.clock import utc_now
from runtime.kafka import client as kafka
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.group_positions import KafkaStandings, Standing
from runtime.kafka.reader import latest_values, partitions_of
from runtime.kafka.topic_configs import Difference, Harm, is_readable, unreadable_compression
from runtime.kafka.unread_age import NEAR
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
    "sink-coverage": "coverage",
    "sink-alerts-index": "alerts",
}
"""Consumer group to its topic, both without their prefixes."""
_CHANNEL_GROUPS = "sink-alerts-"


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
        found = kafka.topic_differences(client, settings.topic_prefix, topics().values())
    faults, notes = topic_complaints(found)
    for name, values in described.items():
        codec = values.get("compression.type")
        if not is_readable(codec):
            why = unreadable_compression(ValueError(codec)).removeprefix("a topic ")
            faults.append(f"{name} {why}")
    if faults:
        raise ConfigurationError("; ".join([*faults, _REPAIR]))
    if notes:
        raise Noted("; ".join([f"all {len(names)} exist", *notes, _REPAIR]))
    if not described:
        raise Noted(f"all {len(names)} exist; this user may not read their settings")
    return f"all {len(names)} exist, with the sizes and retentions of docs/topics.md"


_REPAIR = "'tocsin topics setup --repair' corrects settings"


def topic_complaints(
    found: Mapping[str, Collection[Difference]],
) -> tuple[list[str], list[str]]:
    """What fails, and what is only noted, each with the name of its topic."""
    told = [(each.harm, f"{name} {each.text}") for name, those in found.items() for each in those]
    faults = [text for harm, text in told if harm > Harm.NOTE]
    return faults, [text for harm, text in told if harm <= Harm.NOTE]


def check_disks() -> str:
    """How full the disks of Kafka's logs are: a broker with a full one stops."""
    settings = load(KafkaSettings)
    with kafka.admin(settings, _CONNECT_S) as client:
        fullest, offline = fullest_disk(client.describe_log_dirs({}))
    if offline:
        raise TocsinError(f"{offline} log folders of Kafka are offline; see the brokers' logs")
    if fullest is None:
        raise Skipped("this Kafka does not tell how full its disks are")
    text = f"Kafka's fullest disk is {fullest:.0%} full"
    if fullest >= _NEARLY_FULL:
        raise Noted(f"{text}; a broker with a full disk stops: add room, or lower retention.bytes")
    return text


_NEARLY_FULL = 0.85


def fullest_disk(brokers: Iterable[Mapping[str, Any]]) -> tuple[float | None, int]:
    """The largest share of a log folder's disk that is used, and the folders with an error."""
    fullest, offline = None, 0
    for broker in brokers:
        for folder in broker.get("log_dirs") or ():
            offline += bool(folder.get("error_code"))
            total, usable = folder.get("total_bytes", -1), folder.get("usable_bytes", -1)
            if total > 0 and usable >= 0:
                fullest = max(fullest or 0.0, 1.0 - usable / total)
    return fullest, offline


def check_brands() -> str:
    from brands.registry import current_brands

    brands = current_brands(load(KafkaSettings))
    if not brands:
        raise TocsinError(
            "none are published, so processors wait; run 'tocsin brands apply brands.yaml'"
        )
    return f"{len(brands)} published"


def check_lag() -> str:
    """The lag of every group; what expired or will soon; where messages wait and nobody reads."""
    settings, told, unread = load(KafkaSettings), [], []
    lost: list[str] = []
    by_topic: dict[str, list[str]] = {}
    for group, topic in groups(settings).items():
        by_topic.setdefault(topic, []).append(group)
    for topic, names in by_topic.items():
        with closing(KafkaStandings(settings, topic, names)) as standings:
            found = standings.read()
        for group, standing in found.items():
            told.append(f"{group} {standing.total}")
            lost += losses(group, topic, standing)
            if standing.total and not standing.members:
                unread.append(group)
            elif standing.total and not standing.owners:
                unread.append(f"{group} ({standing.state}, {standing.members} members)")
    text = "messages that wait: " + ", ".join(told)
    if lost:
        raise TocsinError(f"{'; '.join(lost)}; {text}")
    if unread:
        raise Noted(f"{text}; nobody reads for {', '.join(unread)}: start that service")
    return text


def groups(settings: KafkaSettings) -> dict[str, str]:
    """The groups of the services and those of the alert channels that Kafka knows, with topics."""
    with kafka.admin(settings, _CONNECT_S) as client:
        known = {str(listed["group_id"]) for listed in client.list_groups()}
    prefix = settings.group_prefix + _CHANNEL_GROUPS
    channels = sorted(
        name.removeprefix(settings.group_prefix) for name in known if name.startswith(prefix)
    )
    return {**GROUPS, **dict.fromkeys(channels, "alerts")}


def losses(group: str, topic: str, standing: Standing) -> Iterator[str]:
    """What a group has lost, or is about to lose, in words."""
    if expired := sum(standing.expired.values()):
        yield f"Kafka deleted {expired} messages of {topic} before {group} read them"
    if standing.beyond:
        yield f"{topic} was made anew, or truncated, since {group} read it"
    unread = standing.unread
    if unread is not None and standing.total and unread.nearness >= NEAR:
        hours = max(unread.age_s.values(), default=0.0) / 3600
        yield (
            f"the oldest message that {group} has not read is {hours:.1f} hours old, at "
            f"{unread.nearness:.0%} of what {topic} keeps: start that service, or lengthen the "
            "retention, before Kafka deletes it"
        )


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
