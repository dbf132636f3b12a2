"""``tocsin dead-letters``: which letters there are, and which were replayed."""

from datetime import UTC, datetime

from runtime.kafka.dead_letters import REPLAYED_HEADER, TOPIC
from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.tocsin.cli.commands import Commands
from tocsin.cli.dead_letters import as_text, letters_of

NOW = datetime(2026, 3, 2, 12, 5, 7, tzinfo=UTC)


def letter(**fields: object) -> DeadLetter:
    return DeadLetter(
        service="process", reason="enrich_failed", detail="x", at=NOW, payload=b'{"a": 1}', **fields
    )  # type: ignore[arg-type]


def test_a_replay_is_known_and_is_no_letter() -> None:
    kafka, replayed = FakeKafka(), set[str]()
    for _ in range(2):
        kafka.send(TOPIC, value=DEAD_LETTER.encode(letter()))
    kafka.send(TOPIC, headers=[(REPLAYED_HEADER, b"0-1")])
    kafka.send(TOPIC, value=b"no letter", headers=[("other", b"0-0")])
    found = [name for name, _ in letters_of(kafka.log[TOPIC], replayed)]
    assert (found, replayed) == (["0-0", "0-1"], {"0-1"})


def test_keys_and_payloads_are_text_where_they_are_text() -> None:
    shown = as_text(letter(key=b"x:17"), replayed=True)
    assert (shown["key"], shown["payload"], shown["replayed"]) == ("x:17", '{"a": 1}', True)
    assert as_text(letter(key=b"\xff\x00a"), replayed=False)["key"] == "\\xff\x00a"
    assert "key" not in as_text(letter(), replayed=False)


def test_a_reason_that_there_is_not_is_answered_with_those_that_there_are(
    tocsin: Commands,
) -> None:
    for command in ("list", "replay"):
        said = tocsin.error("dead-letters", command, "--reason", "nosuch")
        assert "there is no reason nosuch" in said
        assert "delivery_rejected, enrich_failed, index_rejected" in said
