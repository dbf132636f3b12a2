"""When a source was heard, late, unheard or lost: one record is one interval of it in one state."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, field

from schemas.ids import MAX_ID_BYTES
from schemas.types import Count, Message, Time, Version

CoverageState = Literal["listening", "late", "away", "blind", "gap"]
"""What is known of the interval.

- ``listening``: the source was heard;
- ``late``: an ingestor runs and has not heard it yet; its posts may still come;
- ``away``: no ingestor listened; its posts may still come, if the platform repeats them;
- ``blind``: the source was silent, though it usually is not (the detector's view);
- ``gap``: posts are lost: the platform does not send them again.
"""
CoverageReason = Literal[
    "live",  # listening: posts are read as they are published
    "replayed",  # listening: a file or a generated day is played
    "connecting",  # not connected yet since the start
    "dropped",  # late: what ended the connection, as in tocsin_ingest_reconnects_total
    "stalled",
    "refused",
    "limited",
    "unavailable",
    "disconnected",
    "rejected",
    "catching_up",  # late: connected, and behind the present
    "kafka",  # late: Kafka is slow or away, so the source is not read
    "stopped",  # away: the ingestor was stopped in good order
    "failed",  # away: the source ended with an error
    "killed",  # away: no end was told: a kill, a lost machine, or a version without coverage
    "unrepeated",  # gap: the platform did not send again what was missed
    "outage",  # gap: the platform itself published nothing, or lost it
    "silent",  # blind
]
"""Why; a closed list, since pages and filters name it."""
CoverageTeller = Literal["ingest", "detector"]

MAX_SOURCE = 200
MAX_DETAIL = 300
_PART = r"^(partition:[0-9]{1,6}|[a-z]{1,16}:[0-9a-f]{16})?$"
"""Nothing, a partition's number, or a hash: no name of an account fits."""
_KIND = re.compile("[a-z]{1,16}")


class CoverageInterval(Message, kw_only=True):
    """One interval of a source in one state (topic ``coverage``, key: ``id``).

    The id is made of who tells it, the state, the source, its part and the beginning, so a restart
    or a replay rewrites the same record; of two states the higher ``version`` counts.
    """

    id: Annotated[str, Meta(min_length=1, max_length=MAX_ID_BYTES)]
    version: Version
    source: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_SOURCE,
            description="The ingestor's source, or the source that posts name.",
        ),
    ]
    state: CoverageState
    why: CoverageReason
    told_by: CoverageTeller
    told_at: Annotated[Time, Meta(description="Time of this state of the record, wall clock.")]
    from_: Annotated[Time, Meta(description="Beginning of the interval.")] = field(name="from")
    to: Annotated[Time | None, Meta(description="Its end; absent while it lasts.")] = None
    part: Annotated[
        str,
        Meta(
            pattern=_PART,
            description="Part of the source: a partition's number, or the hash of a feed, an "
            "account or a file; empty: the whole.",
        ),
    ] = ""
    made_up_at: Annotated[
        Time | None,
        Meta(description="When all of the interval had been read after all (late, away)."),
    ] = None
    lost: Annotated[Count | None, Meta(description="Posts that are lost, if it is known.")] = None
    detail: Annotated[
        Annotated[str, Meta(max_length=MAX_DETAIL)] | None,
        Meta(description="One sentence for a person."),
    ] = None


def interval_id(
    told_by: CoverageTeller, state: CoverageState, source: str, part: str, begin: datetime
) -> str:
    """The id of an interval: equal whoever writes it again, and after any restart."""
    name = f"{told_by}:{state}:{source}:{part}:"
    moment = begin.astimezone(UTC).isoformat()
    if len(name.encode("utf-8", "replace")) + len(moment) > MAX_ID_BYTES:
        digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=20).hexdigest()
        name = f"{told_by}:{state}:b2-{digest}:"
    return name + moment


def part_of(kind: str, name: str) -> str:
    """A part by the hash of its name, such as ``feed:6f1d…``.

    A feed, a file or an account may be named after a person, whom an erasure could not find here.
    Whoever knows the name finds its part by the same hash. Raises ``ValueError`` for a kind that is
    no short word.
    """
    if not _KIND.fullmatch(kind):
        raise ValueError(f"{kind!r} is no kind of part; it must be 1 to 16 letters from a to z")
    return f"{kind}:{hashlib.blake2b(name.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def source_and_part(source_id: str) -> tuple[str, str]:
    """The source and the part of a checkpoint's key; the file of ``replay:posts.csv`` is hashed."""
    source, _, rest = source_id.partition(":")
    return source[:MAX_SOURCE] or "unknown", part_of("input", rest) if rest else ""
