"""Where the stream stands, seen from Kafka: what was written, and what each group has behind it.

Offsets tell the truth about all copies of a service at once, whoever restarted in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from runtime.kafka import client as kafka
from runtime.kafka.reader import partitions_of
from runtime.settings import KafkaSettings
from schemas.errors import ServiceUnavailable
from schemas.topic_registry import topics

_COMMITTED_BY = {"posts": "process", "mentions": "sink-elasticsearch"}
"""Topic to the consumer group whose lag on it counts."""


@dataclass(frozen=True)
class TopicLag:
    """One look: messages ever written, and not yet handled, by topic (without prefix)."""

    written: dict[str, int] = field(default_factory=dict)
    lag: dict[str, int] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether everything written has been handled."""
        return not any(self.lag.values())


class LagMeter:
    """Looks at offsets; keeps one connection. Not for hot paths: a look is a few requests."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        with kafka.kafka_errors(settings):
            self._consumer: KafkaConsumer = kafka.consumer(settings, "flow")

    def look(self) -> TopicLag:
        """Where the stream stands now."""
        prefix = self._settings.topic_prefix
        with kafka.kafka_errors(self._settings):
            ends = self._ends([prefix + name for name in topics()])
            committed = self._committed()
            read = [tp for tp in ends if tp.topic.removeprefix(prefix) in _COMMITTED_BY]
            # What has expired is no lag, whether or not it was ever committed.
            starts: dict[TopicPartition, int] = self._consumer.beginning_offsets(read)
        written: dict[str, int] = {}
        lag: dict[str, int] = {}
        for tp, end in ends.items():
            name = tp.topic.removeprefix(prefix)
            written[name] = written.get(name, 0) + end
            if name in _COMMITTED_BY:
                behind = max(0, end - max(committed.get(tp, 0), starts[tp]))
                lag[name] = lag.get(name, 0) + behind
        return TopicLag(written, lag)

    def _ends(self, names: Sequence[str]) -> dict[TopicPartition, int]:
        partitions = [tp for name in names for tp in partitions_of(self._consumer, name)]
        if not partitions:
            raise ServiceUnavailable("there are no topics yet; run 'tocsin topics setup'")
        ends: dict[TopicPartition, int] = self._consumer.end_offsets(partitions)
        return ends

    def _committed(self) -> dict[TopicPartition, int]:
        with kafka.admin(self._settings) as client:
            committed: dict[TopicPartition, int] = {}
            for group in _COMMITTED_BY.values():
                offsets = client.list_group_offsets([self._settings.group_prefix + group])
                for found in offsets.values():
                    committed |= {tp: entry.offset for tp, entry in found.items()}
        return committed

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()
