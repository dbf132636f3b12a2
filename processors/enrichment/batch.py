"""Decodes, enriches and encodes a batch, with bisection and dead letters. Pure.

Every message of a batch comes out: as a mention, as unmatched, or as a dead letter with a reason.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from processors.enrichment.encoder_choice import ALL, Choice
from processors.enrichment.enricher import Enriched, Enricher, awaited
from processors.faust.messages import Outgoing, given_up
from runtime import metrics
from runtime.collector import paused_collector
from runtime.kafka.protocols import Record
from runtime.logs import get_logger
from schemas.bounds import MAX_ITEMS, MAX_SHORT, MAX_TEXT, bound_post
from schemas.codec import ACTIVITY, MENTION_EVENT, POST_EVENT
from schemas.dead_letter import Reason
from schemas.errors import ConfigurationError, InvalidMessage, ServiceUnavailable
from schemas.post import PostEvent, PostUpsert
from schemas.topic_registry import topics

SERVICE = "process"
MAX_MENTION_BYTES = topics()["mentions"].max_message_bytes - 4_096
"""Limit of the mentions topic, less the key and Kafka's own framing."""
log = get_logger(SERVICE)


class _TooLarge(Exception):
    """A mention exceeds the limit of its topic, so producing it would always fail."""


@dataclass(slots=True)
class Processed:
    """The result of a batch of ``good + bad`` messages."""

    outgoing: list[Outgoing] = field(default_factory=list)
    good: int = 0
    bad: int = 0
    unmatched: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    """Mention events in ``outgoing`` by ``op``."""
    brands: Counter[str] = field(default_factory=Counter)
    """Mentions by brand."""
    accurate: int = 0
    """Posts that the accurate annotators read."""
    accurate_s: float = 0.0
    """Time that they took, seconds."""


def process(
    batch: Sequence[Record],
    enricher: Enricher,
    clock: Callable[[], datetime],
    choice: Choice = ALL,
) -> Processed:
    result = Processed()
    decoded: list[tuple[Record, PostEvent]] = []
    for message in batch:
        try:
            event = POST_EVENT.decode(message.value or b"")
        except InvalidMessage as error:
            _give_up(result, message, error.reason, error.detail, clock())
            continue
        decoded.append((message, _within_bounds(event)))
    for op, count in Counter(event.op for _, event in decoded).items():
        metrics.PROCESS_EVENTS.labels(op).inc(count)
    with paused_collector():
        _enrich(decoded, enricher, clock, choice, result)
    return result


def too_slow(message: Record, detail: str, at: datetime) -> Processed:
    """The result of a message that is given up because it costs too much."""
    result = Processed()
    with suppress(InvalidMessage):
        _announce(result, POST_EVENT.decode(message.value or b""), at)
    _give_up(result, message, "too_slow", detail, at)
    return result


def _announce(result: Processed, event: PostEvent, at: datetime) -> None:
    """The letter of a post may be replayed after a delete of the post: the sink must keep that."""
    if isinstance(event, PostUpsert):
        marker = MENTION_EVENT.encode(awaited(event, at))
        result.outgoing.append(Outgoing("mentions", event.id.encode(), marker))


def _within_bounds(event: PostEvent) -> PostEvent:
    """Our sources bound each field of a post; another producer may not. Cost goes by length."""
    if not isinstance(event, PostUpsert):
        return event
    post = event.post
    texts = (post.title, post.author.name, *post.links[: MAX_ITEMS + 1])
    lists = (post.mentions, post.hashtags, post.links, post.media, post.labels)
    if (
        len(post.text) <= MAX_TEXT
        and all(len(items) <= MAX_ITEMS for items in lists)
        and all(len(text) <= MAX_SHORT for text in texts if text)
    ):
        return event
    return replace(event, post=bound_post(post, max(event.ingested_at, post.created_at)))


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 (its text is that of an unknown library)
        return type(error).__name__


def _enrich(
    decoded: Sequence[tuple[Record, PostEvent]],
    enricher: Enricher,
    clock: Callable[[], datetime],
    choice: Choice,
    result: Processed,
) -> None:
    """Enrich; on failure, halve until the one bad message is isolated."""
    if not decoded:
        return
    try:
        events = [event for _, event in decoded]
        enriched = enricher.enrich(events, clock(), choice, stored=True)
        outgoing = _encode(enriched)
    except (ConfigurationError, ServiceUnavailable, KeyboardInterrupt):
        raise  # a model that cannot be loaded is not the fault of a post
    except BaseException as error:
        # A bug of an annotator must not stop the stream. A panic of a library in Rust, or
        # SystemExit in this thread, is no Exception and would end the work without a word.
        if len(decoded) > 1:
            metrics.PROCESS_BISECTIONS.inc()
            middle = len(decoded) // 2
            for half in (decoded[:middle], decoded[middle:]):
                _enrich(half, enricher, clock, choice, result)
            return
        ((message, event),) = decoded
        _announce(result, event, clock())
        if isinstance(error, _TooLarge):
            _give_up(result, message, "too_large", str(error), clock())
            return
        log.error("enrichment failed", post=event.id, exc_info=error)
        _give_up(result, message, "enrich_failed", _told(error), clock())
        return
    result.outgoing.extend(outgoing)
    result.good += len(decoded)
    result.unmatched += enriched.unmatched
    result.mentions.update(event.op for event in enriched.mentions)
    result.brands.update(record.brand for record in enriched.activity)
    result.accurate += enriched.accurate
    result.accurate_s += enriched.accurate_s


def _encode(enriched: Enriched) -> list[Outgoing]:
    mentions = [
        Outgoing("mentions", event.id.encode(), MENTION_EVENT.encode(event))
        for event in enriched.mentions
    ]
    largest = max((len(message.value or b"") for message in mentions), default=0)
    if largest > MAX_MENTION_BYTES:
        raise _TooLarge(f"the mention has {largest} bytes, the limit is {MAX_MENTION_BYTES}")
    activity = [
        Outgoing("activity", record.brand.encode(), ACTIVITY.encode(record))
        for record in enriched.activity
    ]
    return mentions + activity


def _give_up(result: Processed, message: Record, reason: Reason, detail: str, at: datetime) -> None:
    result.outgoing.append(given_up(SERVICE, message, reason, detail, at))
    result.bad += 1
