"""``tocsin dead-letters``: which letters there are, and which were replayed."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from processors.faust.messages import Incoming
from runtime.kafka.dead_letters import REPLAYED_HEADER, TOPIC, dead_letter_of, replay_headers
from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.tocsin.cli.commands import Commands
from tocsin.cli.dead_letters import Choice, as_text, letters_of, state_time

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
        assert "delivery_rejected, detect_failed, enrich_failed, index_blocked" in said


def test_the_age_of_a_state_is_that_of_its_reading_never_that_of_a_later_letter() -> None:
    first, read_at = NOW - timedelta(days=40), NOW - timedelta(days=47)
    event = b'{"op": "upsert", "ingested_at": "%s", "later": 1}' % read_at.isoformat().encode()
    assert state_time(letter()) == NOW
    assert state_time(letter(first_at=first)) == first
    assert state_time(replace(letter(first_at=first), payload=event)) == read_at
    for garbage in (b"", b"\xff", b'{"ingested_at": 7}', b"[" * 100_000, b'{"ingested_at": null}'):
        assert state_time(replace(letter(), payload=garbage)) == NOW


def test_a_replay_leaves_what_has_no_topic_was_replayed_too_often_or_is_too_old() -> None:
    at = {"topic": "t.posts"}
    letters = [
        ("0-0", letter(**at)),
        ("0-1", letter()),
        ("0-2", letter(**at, replays=2)),
        ("0-3", letter(**at, replays=3)),
        ("0-4", letter(**at, replays=1, first_at=NOW - timedelta(days=45))),
    ]
    oldest = NOW - timedelta(days=44)
    chosen = Choice(most=3, oldest=oldest)
    assert len(list(chosen.of(letters))) == 2
    assert chosen.names == ["0-0", "0-2"]
    assert (chosen.skipped, chosen.too_old) == (2, 1)
    forced = Choice(most=3, oldest=None)
    assert len(list(forced.of(letters))) == 3
    assert (forced.names, forced.too_old) == (["0-0", "0-2", "0-4"], 0)


def test_a_letter_that_fails_again_and_again_keeps_the_time_of_the_first() -> None:
    """The default of three replays does not make a state of 45 days look young."""
    failed, at = letter(topic="t.posts", partition=0, offset=1), NOW
    for replays in range(1, 4):
        at += timedelta(days=20)
        record = Incoming("t.posts", 0, replays, b"k", failed.payload, replay_headers(failed))
        encoded = dead_letter_of(
            record, service="process", reason="enrich_failed", detail="x", at=at
        )
        failed = DEAD_LETTER.decode(encoded)
        assert (failed.first_at, failed.at, failed.replays) == (NOW, at, replays)
    choice = Choice(most=9, oldest=at - timedelta(days=44))
    assert list(choice.of([("0-1", failed)])) == [] and choice.too_old == 1
