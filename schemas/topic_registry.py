"""The topic registry: what is in ``schemas/topics/*.yaml``, checked and typed.

One file a topic says who writes it, who reads it, how it is keyed, split and kept. The JSON
Schema beside it is generated from the message type (``python -m schemas.generate``).
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
}
"""Topic to the codec of its values."""


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One topic, as its YAML file says."""

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
    compatibility: Literal["backward"] = "backward"

    def configs(self) -> dict[str, str]:
        """Kafka's own settings for the topic."""
        configs = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.retention_days is not None:
            configs["retention.ms"] = str(int(self.retention_days * 86_400_000))
        return configs


@cache
def topics() -> dict[str, Topic]:
    """Every topic by its name without the prefix."""
    folder = resources.files("schemas") / "topics"
    found = {}
    for name in CODECS:
        text = (folder / f"{name}.yaml").read_bytes()
        found[name] = msgspec.yaml.decode(text, type=Topic)
    return found
