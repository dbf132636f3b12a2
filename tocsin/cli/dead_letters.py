"""``tocsin dead-letters``: list, show and replay messages that could not be handled."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter
from schemas.errors import ConfigurationError, InvalidMessage
from tocsin.cli.output import FormatOption, counted, result, say, write_rows
from tocsin.cli.row_writers import Row

if TYPE_CHECKING:
    from runtime.kafka.protocols import OutgoingRecord

app = typer.Typer(no_args_is_help=True, help="Messages that could not be handled.")

COLUMNS = ("id", "at", "service", "reason", "origin", "detail")
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Only this reason, such as invalid_message.")
]
ServiceOption = Annotated[
    str | None, typer.Option("--service", help="Only this service, such as process.")
]


def _letters(
    reason: str | None = None, service: str | None = None
) -> Iterator[tuple[str, DeadLetter]]:
    """Dead letters with their id (``partition-offset``), in the order of offsets."""
    from runtime.kafka.dead_letters import TOPIC
    from runtime.kafka.reader import read_topic
    from runtime.settings import KafkaSettings, load

    for record in read_topic(load(KafkaSettings), "dead-letters", TOPIC):
        try:
            letter = DEAD_LETTER.decode(record.value or b"")
        except InvalidMessage:
            continue
        if reason in (None, letter.reason) and service in (None, letter.service):
            yield f"{record.partition}-{record.offset}", letter


@app.command("list")
def list_(
    reason: ReasonOption = None,
    service: ServiceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of lines.")] = 100,
    format: FormatOption = "text",
) -> None:
    """List dead letters (id, time, service, reason, origin, detail) and count them by reason.

    Example: `tocsin dead-letters list --reason index_rejected`
    """
    counts = Counter[str]()

    def rows() -> Iterator[Row]:
        for name, letter in _letters(reason, service):
            counts[letter.reason] += 1
            if counts.total() <= limit:
                yield letter_row(name, letter)

    shown = write_rows(rows(), COLUMNS, format, empty="there are no dead letters")
    if shown:
        by_reason = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        say(f"{counted(counts.total(), 'dead letter')} ({by_reason}); {shown} shown")


def letter_row(name: str, letter: DeadLetter) -> Row:
    """A dead letter as a row of the list, under the id ``name``."""
    origin = letter.source or f"{letter.topic}/{letter.partition}/{letter.offset}"
    return name, letter.at, letter.service, letter.reason, origin, letter.detail


@app.command("show")
def show(
    letter_id: Annotated[str, typer.Argument(help="An id of the list, such as 0-17.")],
) -> None:
    """Show a dead letter with its payload as text.

    Example: `tocsin dead-letters show 0-17`
    """
    for name, letter in _letters():
        if name == letter_id:
            shown = json.loads(DEAD_LETTER.encode(letter))
            shown["payload"] = letter.payload.decode("utf-8", "backslashreplace")
            result(json.dumps(shown, indent=2, ensure_ascii=False))
            return
    raise ConfigurationError(f"there is no dead letter {letter_id}; see 'tocsin dead-letters list'")


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
) -> None:
    """Send dead letters back to their topics. A repeat is harmless, because events have versions.

    Letters of a source (a post that is unreadable or too large) have no topic and are skipped.

    Example: `tocsin dead-letters replay --reason index_rejected`
    """
    from runtime.kafka.client import publish
    from runtime.kafka.dead_letters import REPLAYS_HEADER
    from runtime.kafka.protocols import OutgoingRecord
    from runtime.settings import KafkaSettings, load

    wanted = None if not letter_ids else set(letter_ids)
    skipped = 0

    def records() -> "Iterator[OutgoingRecord]":
        nonlocal skipped
        for name, letter in _letters(reason, service):
            if wanted is not None and name not in wanted:
                continue
            if letter.topic is None or letter.replays >= limit:
                skipped += 1
                continue
            headers = [(REPLAYS_HEADER, str(letter.replays + 1).encode())]
            yield OutgoingRecord(letter.topic, letter.key, letter.payload, headers)

    sent = publish(load(KafkaSettings), "dead-letters", records(), "a replay")
    say(f"{sent} replayed, {skipped} skipped (without a topic, or replayed {limit} times)")
