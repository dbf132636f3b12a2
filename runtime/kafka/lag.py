"""Consumer lag by topic, from Kafka's offsets: true for all copies and restarts of a service."""

import contextlib
from collections import Counter
from dataclasses import dataclass, field

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from runtime.kafka import client as kafka
from runtime.kafka.group_positions import positions_of
from runtime.kafka.reader import partitions_of
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable
from schemas.topic_registry import topics

_COMMITTED_BY = {"posts": "process", "mentions": "sink-elasticsearch"}
"""Topic to the consumer group whose lag on it counts."""


@dataclass(frozen=True)
class TopicLag:
    """Messages ever written, and not yet handled, by topic (without the prefix)."""

    written: dict[str, int] = field(default_factory=dict)
    lag: dict[str, int] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        return not any(self.lag.values())


class LagMeter:
    """Reads offsets over two connections of its own. A look is a few requests: not for a hot path.

    A look waits for Kafka as long as the client does: up to half a minute where Kafka is away.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        with kafka.kafka_errors(settings):
            self._consumer: KafkaConsumer = kafka.consumer(settings, "flow")
        self._resources = contextlib.ExitStack()
        self._resources.callback(self._consumer.close)
        try:
            self._admin = self._resources.enter_context(kafka.admin(settings))
        except BaseException:
            self._resources.close()
            raise

    def look(self) -> TopicLag:
        prefix = self._settings.topic_prefix
        with kafka.kafka_errors(self._settings):
            partitions = [
                tp for name in topics() for tp in partitions_of(self._consumer, prefix + name)
            ]
            if not partitions:
                raise ServiceUnavailable("there are no topics yet; run 'tocsin topics setup'")
            # Before the ends: what is written in between counts as lag, not the other way round.
            committed = self._committed()
            ends: dict[TopicPartition, int] = self._consumer.end_offsets(partitions)
            starts: dict[TopicPartition, int] = self._consumer.beginning_offsets(partitions)
        positions = positions_of(starts, ends, committed)
        written, lag = Counter[str](), Counter[str]()
        for tp, end in ends.items():
            name = tp.topic.removeprefix(prefix)
            written[name] += end
            if name in _COMMITTED_BY:
                # Expired records are not lag, committed or not.
                lag[name] += max(0, end - positions[tp])
        return TopicLag(written, lag)

    def _committed(self) -> dict[TopicPartition, int]:
        groups = [self._settings.group_prefix + group for group in _COMMITTED_BY.values()]
        committed: dict[TopicPartition, int] = {}
        for by_partition in self._admin.list_group_offsets(groups).values():
            committed |= {tp: entry.offset for tp, entry in by_partition.items()}
        return committed

    def close(self) -> None:
        self._resources.close()
