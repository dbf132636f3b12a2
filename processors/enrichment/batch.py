"""From the bytes of a batch to the bytes to produce: decoding, bisection, dead letters. Pure.

Whatever a batch holds, every message of it comes out: as a mention, as unmatched, or as a dead
letter with its reason. Nothing here awaits or talks to Kafka.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from processors.enrichment.enricher import Enriched, Enricher
from processors.faust.messages import Incoming, Outgoing, given_up
from runtime import metrics
from runtime.logs import get_logger
from schemas.codec import ACTIVITY, MENTION_EVENT, POST_EVENT
from schemas.dead_letter import Reason
from schemas.errors import ConfigurationError, InvalidMessage, ServiceUnavailable
from schemas.post import PostEvent
from schemas.topic_registry import topics
from schemas.types import Tier

SERVICE = "process"
MAX_MENTION_BYTES = topics()["mentions"].max_message_bytes - 4_096
"""What the mentions topic takes, less the key and Kafka's own framing."""
log = get_logger(SERVICE)


class _TooLarge(Exception):
    """A mention is over what its topic takes; producing it would fail for ever."""


@dataclass(slots=True)
class Processed:
    """What a batch came to: ``good + bad`` is its number of messages."""

    outgoing: list[Outgoing] = field(default_factory=list)
    good: int = 0
    bad: int = 0
    unmatched: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    """How many mention events of each ``op`` are in ``outgoing``."""


def process(
    batch: Sequence[Incoming],
    enricher: Enricher,
    clock: Callable[[], datetime],
    tier: Tier = "accurate",
) -> Processed:
    """Decode, enrich in the tier, and encode a batch."""
    result = Processed()
    decoded: list[tuple[Incoming, PostEvent]] = []
    for message in batch:
        try:
            decoded.append((message, POST_EVENT.decode(message.value or b"")))
        except InvalidMessage as error:
            _give_up(result, message, error.reason, error.detail, clock())
    for _, event in decoded:
        metrics.PROCESS_EVENTS.labels(event.op).inc()
    _enrich(decoded, enricher, clock, tier, result)
    return result


def _enrich(
    decoded: Sequence[tuple[Incoming, PostEvent]],
    enricher: Enricher,
    clock: Callable[[], datetime],
    tier: Tier,
    result: Processed,
) -> None:
    """Enrich what was decoded; where that fails, halve until the one bad message is found."""
    if not decoded:
        return
    try:
        enriched = enricher.enrich([event for _, event in decoded], clock(), tier)
        outgoing = _encode(enriched)
    except (ConfigurationError, ServiceUnavailable):
        raise  # a model that cannot be loaded is not the post's fault
    except Exception as error:  # any annotator's own bug; never lets one post stop the stream
        if len(decoded) == 1:
            message, event = decoded[0]
            if isinstance(error, _TooLarge):
                _give_up(result, message, "too_large", str(error), clock())
                return
            log.error("enrichment failed", post=event.id, exc_info=error)
            _give_up(result, message, "enrich_failed", f"{type(error).__name__}: {error}", clock())
            return
        metrics.PROCESS_BISECTIONS.inc()
        middle = len(decoded) // 2
        _enrich(decoded[:middle], enricher, clock, tier, result)
        _enrich(decoded[middle:], enricher, clock, tier, result)
        return
    result.outgoing.extend(outgoing)
    result.good += len(decoded)
    result.unmatched += enriched.unmatched
    result.mentions.update(event.op for event in enriched.mentions)


def _encode(enriched: Enriched) -> list[Outgoing]:
    mentions = [
        Outgoing("mentions", event.id.encode(), MENTION_EVENT.encode(event))
        for event in enriched.mentions
    ]
    largest = max((len(message.value) for message in mentions), default=0)
    if largest > MAX_MENTION_BYTES:
        raise _TooLarge(f"its mention is {largest} bytes, the topic takes {MAX_MENTION_BYTES}")
    activity = [
        Outgoing("activity", record.brand.encode(), ACTIVITY.encode(record))
        for record in enriched.activity
    ]
    return mentions + activity


def _give_up(
    result: Processed, message: Incoming, reason: Reason, detail: str, at: datetime
) -> None:
    result.outgoing.append(given_up(SERVICE, message, reason, detail, at))
    result.bad += 1
