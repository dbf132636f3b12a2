"""The topic registry: ``schemas/topics/*.yaml``, checked and typed.

A file names a topic's producers, consumers, key, partitions and retention. The JSON Schema beside
it is generated from the message type (``python -m schemas.generate``).
"""

from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec

from schemas import codec

CODECS: dict[str, codec.Codec[Any]] = {
    "posts": codec.POST_EVENT,
    "mentions": codec.MENTION_EVENT,
    "activity": codec.ACTIVITY,
    "alerts": codec.ALERT,
    "alert-deliveries": codec.ALERT_DELIVERY,
    "detector-state": codec.DETECTOR_STATE,
    "dead-letters": codec.DEAD_LETTER,
    "checkpoints": codec.CHECKPOINT,
    "brands": codec.BRAND,
    "coverage": codec.COVERAGE,
}
"""Topic to the codec of its values."""


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    description: str
    key: str
    message: str
    partitions: int
    cleanup: Literal["delete", "compact"]
    max_message_bytes: int
    producers: list[str]
    consumers: list[str]
    retention_days: float | None = None
    segment_hours: float = 24
    """Kafka deletes and compacts whole segments, so a record may outlive its time by this."""
    compaction_lag_hours: float | None = None
    """How long a compacted topic may keep a replaced or deleted value."""
    compatibility: Literal["backward"] = "backward"

    def configs(self) -> dict[str, str]:
        """Kafka's configuration of the topic."""
        configs = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
            "segment.ms": str(int(self.segment_hours * 3_600_000)),
        }
        if self.retention_days is not None:
            configs["retention.ms"] = str(int(self.retention_days * 86_400_000))
        if self.compaction_lag_hours is not None:
            configs["max.compaction.lag.ms"] = str(int(self.compaction_lag_hours * 3_600_000))
        return configs

    @property
    def kept_days(self) -> float:
        """Within how many days a record is gone: of a compacted topic, a replaced one."""
        segment = self.segment_hours / 24
        if self.retention_days is None:
            return segment + (self.compaction_lag_hours or 0) / 24
        return self.retention_days + segment


@cache
def topics() -> dict[str, Topic]:
    """Every topic by its name without the prefix."""
    folder = resources.files("schemas") / "topics"
    return {
        name: msgspec.yaml.decode((folder / f"{name}.yaml").read_bytes(), type=Topic)
        for name in CODECS
    }
