"""``tocsin dead-letters``: look at what could not be handled, and send it again."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from runtime.kafka.client import publish
from runtime.kafka.dead_letters import REPLAYS_HEADER, TOPIC
from runtime.kafka.protocols import OutgoingRecord
from runtime.kafka.reader import read_topic
from runtime.settings import KafkaSettings, load
from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter
from schemas.errors import ConfigurationError, InvalidMessage
from tocsin.cli.output import result, say

app = typer.Typer(no_args_is_help=True, help="Messages that could not be handled.")

ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Only these, such as invalid_message.")
]
ServiceOption = Annotated[
    str | None, typer.Option("--service", help="Only those given up by this service.")
]


def read_letters(settings: KafkaSettings) -> Iterator[tuple[str, DeadLetter]]:
    """Every dead letter with its id (``partition-offset``), oldest first a partition."""
    for record in read_topic(settings, "dead-letters", TOPIC):
        try:
            letter = DEAD_LETTER.decode(record.value or b"")
        except InvalidMessage:
            continue
        yield f"{record.partition}-{record.offset}", letter


def _chosen(
    settings: KafkaSettings, reason: str | None, service: str | None
) -> Iterator[tuple[str, DeadLetter]]:
    for name, letter in read_letters(settings):
        if reason in (None, letter.reason) and service in (None, letter.service):
            yield name, letter


@app.command("list")
def list_(
    reason: ReasonOption = None,
    service: ServiceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most lines to print.")] = 100,
) -> None:
    """List dead letters: id, time, service, reason, origin, detail; and a count by reason.

    Example: `tocsin dead-letters list --reason index_rejected`
    """
    counts: dict[str, int] = {}
    shown = 0
    for name, letter in _chosen(load(KafkaSettings), reason, service):
        counts[letter.reason] = counts.get(letter.reason, 0) + 1
        if shown < limit:
            origin = letter.source or f"{letter.topic}/{letter.partition}/{letter.offset}"
            result(
                f"{name}\t{letter.at:%Y-%m-%d %H:%M:%S}\t{letter.service}\t{letter.reason}\t"
                f"{origin}\t{letter.detail}"
            )
            shown += 1
    total = sum(counts.values())
    by_reason = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    say(f"{total} dead letters" + (f" ({by_reason}); {shown} shown" if total else ""))


@app.command("show")
def show(
    letter_id: Annotated[str, typer.Argument(help="An id from 'list', such as 0-17.")],
) -> None:
    """Show one dead letter whole, with its payload as text where it is text.

    Example: `tocsin dead-letters show 0-17`
    """
    for name, letter in read_letters(load(KafkaSettings)):
        if name == letter_id:
            shown = json.loads(DEAD_LETTER.encode(letter))
            shown["payload"] = letter.payload.decode("utf-8", "backslashreplace")
            result(json.dumps(shown, indent=2, ensure_ascii=False))
            return
    raise ConfigurationError(f"there is no dead letter {letter_id}; see 'tocsin dead-letters list'")


@app.command("replay")
def replay(
    letter_ids: Annotated[
        list[str] | None, typer.Argument(help="Ids from 'list'; all that are chosen if none.")
    ] = None,
    reason: ReasonOption = None,
    service: ServiceOption = None,
    most: Annotated[
        int, typer.Option(min=0, help="Leave those that were replayed this often already.")
    ] = 3,
) -> None:
    """Send dead letters to the topics that they came from; versions make a repeat harmless.

    Letters from a source itself (a post unreadable or too large) have no topic and are left.

    Example: `tocsin dead-letters replay --reason index_rejected`
    """
    settings = load(KafkaSettings)
    wanted = None if not letter_ids else set(letter_ids)
    left = 0

    def chosen() -> Iterator[OutgoingRecord]:
        nonlocal left
        for name, letter in _chosen(settings, reason, service):
            if wanted is not None and name not in wanted:
                continue
            if letter.topic is None or letter.replays >= most:
                left += 1
                continue
            headers = [(REPLAYS_HEADER, str(letter.replays + 1).encode())]
            yield OutgoingRecord(letter.topic, letter.key, letter.payload, headers)

    sent = publish(settings, "dead-letters", chosen(), "a replay")
    say(f"{sent} replayed, {left} left (no topic to go to, or replayed {most} times)")
