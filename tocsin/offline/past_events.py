"""The past of a file for a back-test: mention events or activity as they are, or posts annotated.

Posts are annotated with the fast tier, for the mentions of all brands of the brands file: a source
that is silent about one brand is heard by the others.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from brands.brands_file import load_brands
from ingestors.files.charset import UTF_8
from ingestors.files.lines import FileLines
from ingestors.files.splitters import LineSplitter
from processors.detector.event_time import believed, were_read_at_once
from processors.enrichment.annotator_table import build_enricher
from runtime.clock import utc_now
from runtime.settings import ProcessSettings, load
from schemas.codec import ACTIVITY, MENTION_EVENT
from schemas.errors import ConfigurationError, InvalidMessage
from schemas.mention import MentionUpsert
from schemas.post import PostUpsert
from tocsin.offline.post_reader import Bad, PostReader, batches

_IN_MEMORY: Final = 2**26
"""Bytes of events above which they go to a temporary file."""


class _Moment(Struct):
    """When a record was ingested and when its post was written."""

    ingested_at: datetime
    at: datetime | None = None
    mention: Any = None


_decode_moment = msgspec.json.Decoder(_Moment).decode


def past_events(
    file: Path,
    brands: Path | None,
    *,
    source: str = "file",
    mapping: str | None = None,
    encoding: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> BinaryIO:
    """Mention events or activity, one JSON object a line, at the beginning of a seekable file.

    ``ingested_at`` is the time of the post if the file was read or annotated at once: such a file
    says nothing about when its source was heard. Raises ConfigurationError if no post has a time.
    """
    reader = PostReader(file, source=source, mapping=mapping, encoding=encoding, say=say)
    with reader:
        lines = reader.lines
        if isinstance(lines, FileLines) and _is_events(lines.head(0.0) or b""):
            lines.begin(UTF_8, LineSplitter())
            return _spooled(_heard(_spooled(_lines(lines))))
        if brands is None:
            raise ConfigurationError(
                f"{lines.name} holds no mention events; if it holds posts, add --brands "
                "brands.yaml, and its mentions are found first"
            )
        events = _spooled(_annotated(reader, brands))
        _report(reader.bad, say)
        return events


def _is_events(head: bytes) -> bool:
    """Whether the first line is a mention event or a record of activity."""
    try:
        row = msgspec.json.decode(head.lstrip().partition(b"\n")[0])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    if not isinstance(row, dict):
        return False
    return "enriched_at" in row or {"brand", "at", "ingested_at"} <= row.keys()


def _lines(lines: FileLines) -> Iterator[bytes]:
    while (line := lines.next(0.0)) is not None:
        yield line


def _spooled(lines: Iterable[bytes]) -> BinaryIO:
    spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the reader closes it
    try:
        for line in lines:
            spool.write(line)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return cast("BinaryIO", spool)


def _heard(events: BinaryIO) -> Iterator[bytes]:
    """The lines, with the time of the post as that of ingestion if they were written at once."""
    moments = [moment for line in events if (moment := _moment(line)) is not None]
    events.seek(0)
    at_once = were_read_at_once(moments)
    for line in events:
        yield _heard_when_written(line) if at_once else line
    events.close()


def _moment(line: bytes) -> tuple[datetime, datetime] | None:
    try:
        moment = _decode_moment(line)
        at = moment.at or datetime.fromisoformat(moment.mention["post"]["created_at"])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        return None  # a deletion, or a line that the back-test refuses
    return moment.ingested_at, at


def _heard_when_written(line: bytes) -> bytes:
    try:
        if b'"op"' in line:
            event = MENTION_EVENT.decode(line)
            if isinstance(event, MentionUpsert):
                written = min(event.mention.post.created_at, event.ingested_at)
                event = replace(event, ingested_at=written)
            return MENTION_EVENT.encode(event) + b"\n"
        record = believed(ACTIVITY.decode(line))
    except InvalidMessage:
        return line
    return ACTIVITY.encode(replace(record, ingested_at=record.at)) + b"\n"


def _annotated(reader: PostReader, brands: Path) -> Iterator[bytes]:
    matcher = BrandMatcher(load_brands(brands))
    settings = load(ProcessSettings).model_copy(update={"tier": "fast"})
    enricher = build_enricher(settings, lambda: matcher)
    dated: list[PostUpsert] = []
    undated = 0
    for event, _ in reader.events():
        if isinstance(event, PostUpsert):
            # A post without a time is dated by the reading.
            if event.post.created_at == event.ingested_at:
                undated += 1
            else:
                dated.append(replace(event, ingested_at=event.post.created_at))
    if not dated:
        raise ConfigurationError(
            "no post of the file says when it was written, so there is nothing to test on; name "
            "the column of created_at with --mapping (docs/replay.md)"
        )
    if undated:
        reader.bad.add(f"{undated} posts do not say when they were written")
    dated.sort(key=lambda event: event.post.created_at)
    for batch in batches(dated):
        for mention in enricher.enrich(batch, utc_now()).mentions:
            yield MENTION_EVENT.encode(mention) + b"\n"


def _report(bad: Bad, say: Callable[[str], None]) -> None:
    for complaint in bad.first:
        say(complaint)
    if bad.count:
        say(f"{bad.count} lines skipped")
