"""``tocsin dead-letters``: list, show and replay messages that could not be handled."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, get_args

import msgspec
import typer

from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter, Reason
from schemas.errors import ConfigurationError, InvalidMessage
from tocsin.cli.confirm import YesOption, confirm
from tocsin.cli.output import FormatOption, counted, json_result, say, write_rows
from tocsin.cli.row_writers import Row

if TYPE_CHECKING:
    from runtime.kafka.protocols import Record

app = typer.Typer(no_args_is_help=True, help="Messages that could not be handled.")

MAX_UNASKED = 100
"""Letters that a replay without ids sends without a question."""
COLUMNS = ("id", "at", "service", "reason", "origin", "detail", "replayed")


def _reason(written: str | None) -> str | None:
    reasons = get_args(Reason)
    if written is None or written in reasons:
        return written
    raise ConfigurationError(
        f"there is no reason {written}; the reasons are {', '.join(sorted(reasons))}"
    )


ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", callback=_reason, help="Only this reason, such as invalid_message."),
]
ServiceOption = Annotated[
    str | None, typer.Option("--service", help="Only this service, such as process.")
]


def letters_of(
    records: "Iterable[Record]", replayed: set[str] | None = None
) -> Iterator[tuple[str, DeadLetter]]:
    """Dead letters with their id (``partition-offset``), in the order of offsets.

    ``replayed``, if given, gets the ids of the letters that were replayed.
    """
    for record in records:
        if replayed is not None:
            replayed.update(replayed_by(record.headers))
        try:
            letter = DEAD_LETTER.decode(record.value or b"")
        except InvalidMessage:
            continue
        yield f"{record.partition}-{record.offset}", letter


def replayed_by(headers: object) -> Iterator[str]:
    """The ids in the headers of a record."""
    from runtime.kafka.dead_letters import REPLAYED_HEADER

    pairs = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in pairs if isinstance(pairs, Iterable) else ():
        if name == REPLAYED_HEADER and isinstance(value, bytes):
            yield value.decode("utf-8", "replace")


def _letters(
    reason: str | None = None, service: str | None = None, replayed: set[str] | None = None
) -> Iterator[tuple[str, DeadLetter]]:
    from runtime.kafka.dead_letters import TOPIC
    from runtime.kafka.reader import read_topic
    from runtime.settings import KafkaSettings, load

    for name, letter in letters_of(
        read_topic(load(KafkaSettings), "dead-letters", TOPIC), replayed
    ):
        if reason in (None, letter.reason) and service in (None, letter.service):
            yield name, letter


@app.command("list")
def list_(
    reason: ReasonOption = None,
    service: ServiceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of lines.")] = 100,
    format: FormatOption = "text",
) -> None:
    """List dead letters, whether each was replayed, and count them by reason.

    Example: `tocsin dead-letters list --reason index_rejected`
    """
    counts, replayed = Counter[str](), set[str]()
    rows: list[Row] = []
    for name, letter in _letters(reason, service, replayed):
        counts[letter.reason] += 1
        if len(rows) < limit:
            rows.append(letter_row(name, letter))
    # A replay is recorded after its letter, so the rows wait for the end of the topic.
    known = ((*row, row[0] in replayed) for row in rows)
    shown = write_rows(known, COLUMNS, format, empty="there are no dead letters")
    if shown:
        by_reason = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        say(f"{counted(counts.total(), 'dead letter')} ({by_reason}); {shown} shown")


def letter_row(name: str, letter: DeadLetter) -> Row:
    """A dead letter, under the id ``name``, as the cells of ``COLUMNS`` but the last."""
    origin = letter.source or f"{letter.topic}/{letter.partition}/{letter.offset}"
    return name, letter.at, letter.service, letter.reason, origin, letter.detail


@app.command("show")
def show(
    letter_id: Annotated[str, typer.Argument(help="An id of the list, such as 0-17.")],
) -> None:
    """Show a dead letter with its key and payload as text, and whether it was replayed.

    Example: `tocsin dead-letters show 0-17`
    """
    replayed, found = set[str](), None
    for name, letter in _letters(replayed=replayed):
        found = letter if name == letter_id else found
    if found is None:
        raise ConfigurationError(
            f"there is no dead letter {letter_id}; see 'tocsin dead-letters list'"
        )
    json_result(json.dumps(as_text(found, letter_id in replayed), indent=2, ensure_ascii=False))


def as_text(letter: DeadLetter, replayed: bool) -> dict[str, Any]:
    """The letter as JSON for people: bytes are text, with escapes where they are none."""
    shown: dict[str, Any] = json.loads(DEAD_LETTER.encode(letter))
    for name, value in (("key", letter.key), ("payload", letter.payload)):
        if value is not None:
            shown[name] = value.decode("utf-8", "backslashreplace")
    return {**shown, "replayed": replayed}


class _State(msgspec.Struct):
    """The part of an event or a record that tells its age; the rest is not read."""

    ingested_at: datetime | None = None


def state_time(letter: DeadLetter) -> datetime:
    """The time of the state that a letter holds: when it was read at its source, if it tells.

    Else the time of its first letter. Never later than that.
    """
    first = letter.first_at or letter.at
    try:
        read_at = msgspec.json.decode(letter.payload, type=_State).ingested_at
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return first
    if read_at is None or read_at.tzinfo is None:
        return first
    return min(first, read_at)


@dataclass
class Choice:
    """Which letters a replay sends back: replayed less than ``most`` times, none before ``oldest``.

    It counts what it has chosen and left, and holds no letter.
    """

    most: int
    oldest: datetime | None
    names: list[str] = field(default_factory=list)
    """The ids of the chosen letters."""
    skipped: int = 0
    """Letters without a topic, or that were replayed too often."""
    too_old: int = 0

    def of(self, letters: Iterable[tuple[str, DeadLetter]]) -> Iterator[DeadLetter]:
        for name, letter in letters:
            if letter.topic is None or letter.replays >= self.most:
                self.skipped += 1
            elif self.oldest is not None and state_time(letter) < self.oldest:
                self.too_old += 1
            else:
                self.names.append(name)
                yield letter


@app.command("replay")
def replay(
    letter_ids: Annotated[
        list[str] | None,
        typer.Argument(help="Ids of the list; the default is all."),
    ] = None,
    reason: ReasonOption = None,
    service: ServiceOption = None,
    limit: Annotated[
        int, typer.Option("--most", min=0, help="Skip letters that were replayed this often.")
    ] = 3,
    yes: YesOption = False,
    also_old: Annotated[
        bool,
        typer.Option(
            "--also-old",
            help="Also letters older than the index remembers deletes: deleted posts may return.",
        ),
    ] = False,
) -> None:
    """Send dead letters back to their topics. A repeat is harmless, because events have versions.

    Letters of a source (a post that is unreadable or too large) have no topic and are skipped.
    Before more than 100 letters it asks, or needs --yes where nobody can answer.
    Letters whose state is older than `TOCSIN_SINK_TOMBSTONE_DAYS` less a day are refused: the
    index no longer knows whether their posts were deleted.

    Example: `tocsin dead-letters replay --reason index_rejected`
    """
    from runtime.clock import utc_now
    from runtime.kafka.client import publish
    from runtime.kafka.dead_letters import REPLAYED_HEADER, TOPIC, replay_headers
    from runtime.kafka.protocols import OutgoingRecord
    from runtime.settings import KafkaSettings, SinkSettings, load

    settings = load(KafkaSettings)
    days = load(SinkSettings).tombstone_days
    oldest = None if also_old else utc_now() - timedelta(days=max(0.0, days - 1))
    wanted = None if not letter_ids else set(letter_ids)
    if wanted is None and not yes:
        count = sum(1 for _ in _letters(reason, service))
        confirm(f"Replay {counted(count, 'dead letter')}?", count <= MAX_UNASKED)
    letters = (pair for pair in _letters(reason, service) if wanted is None or pair[0] in wanted)
    choice = Choice(most=limit, oldest=oldest)
    publish(
        settings,
        "dead-letters",
        (
            OutgoingRecord(letter.topic or "", letter.key, letter.payload, replay_headers(letter))
            for letter in choice.of(letters)
        ),
        "a replay",
    )
    topic = settings.topic_prefix + TOPIC
    marks = [
        OutgoingRecord(topic, name.encode(), None, [(REPLAYED_HEADER, name.encode())])
        for name in choice.names
    ]
    publish(settings, "dead-letters", marks, "that the letters were replayed")
    say(
        f"{len(marks)} replayed, {choice.skipped} skipped (without a topic, or replayed {limit} "
        "times)"
    )
    if choice.too_old:
        say(
            f"{counted(choice.too_old, 'letter')} refused: older than the {days:g} days for which "
            "the index remembers deletes, so a deleted post could return; --also-old sends them"
        )
