"""Every message of a batch comes out once: good, or as a dead letter that holds it whole."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import REGISTRY

from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.batch import MAX_MENTION_BYTES, Processed, process
from processors.enrichment.enricher import Enricher
from processors.faust.messages import Incoming
from runtime.kafka.dead_letters import REPLAYS_HEADER
from schemas.bounds import MAX_ITEMS, MAX_TEXT
from schemas.codec import ACTIVITY, DEAD_LETTER, MENTION_EVENT, POST_EVENT
from schemas.dead_letter import DeadLetter
from schemas.mention import MentionDelete, MentionEvent, MentionUpsert
from tests import make
from tests.processors.enrichment.fakes import ENRICHED, MATCHER, Fragile, Loudness, delete, upsert

ENRICHER = Enricher([BrandAnnotator(lambda: MATCHER), Fragile()], keep_unmatched=True)


def incoming(values: list[bytes | None]) -> list[Incoming]:
    return [
        Incoming("tocsin.posts", 3, 100 + at, b"k%d" % at, value, [(REPLAYS_HEADER, b"%d" % at)])
        for at, value in enumerate(values)
    ]


def run(values: list[bytes | None], enricher: Enricher = ENRICHER) -> Processed:
    return process(incoming(values), enricher, lambda: ENRICHED)


def events(result: Processed) -> list[MentionEvent]:
    return [MENTION_EVENT.decode(out.value) for out in result.outgoing if out.topic == "mentions"]


def is_announcement(event: MentionEvent) -> bool:
    return isinstance(event, MentionDelete) and event.version == 0


def mentions(result: Processed) -> list[MentionEvent]:
    """Without what announces dead letters."""
    return [event for event in events(result) if not is_announcement(event)]


def announced(result: Processed) -> list[str]:
    """The posts of dead letters, of which the sink hears."""
    return [event.id for event in events(result) if is_announcement(event)]


def letters(result: Processed) -> list[DeadLetter]:
    return [DEAD_LETTER.decode(out.value) for out in result.outgoing if out.topic == "dead-letters"]


def good(number: int, text: str = "Velmora") -> bytes:
    return POST_EVENT.encode(upsert(number, text))


def test_good_messages_come_out_keyed_and_counted() -> None:
    gone, erased = delete(2), make.erase("3", source="x")
    result = run([good(1), POST_EVENT.encode(gone), POST_EVENT.encode(erased)])
    assert (result.good, result.bad) == (3, 0)
    assert result.mentions == Counter(upsert=1, delete=1, erase_author=1)
    keys = [(out.topic, out.key) for out in result.outgoing]
    posts = [("mentions", b"x:%d" % number) for number in (1, 2, 3)]
    assert keys == [*posts, ("activity", b"velmora")]
    assert ACTIVITY.decode(result.outgoing[-1].value).post_id == "x:1"


def test_a_post_that_names_nothing_is_good_and_unmatched() -> None:
    result = run([good(1, "nothing")], Enricher([BrandAnnotator(lambda: MATCHER)]))
    assert result == Processed(good=1, unmatched=1)
    assert run([]) == Processed()


def test_a_row_of_a_file_that_names_nothing_takes_an_earlier_mention_away() -> None:
    row = POST_EVENT.encode(make.upsert(make.post("sorry, wrong company", id="forum:1"), 3))
    result = run([row], Enricher([BrandAnnotator(lambda: MATCHER)]))
    (event,) = mentions(result)
    assert isinstance(event, MentionDelete) and event.unmatched
    assert (result.good, result.unmatched) == (1, 1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "invalid_json"),
        (None, "invalid_json"),
        (b"\xff\x00", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"later":' + b"[" * 50_000, "invalid_json"),
        (b"{}", "invalid_message"),
        (b"[]", "invalid_message"),
        (good(1).replace(b'"version":1', b'"version":-1'), "invalid_message"),
        (good(1, "poison"), "enrich_failed"),
    ],
)
def test_a_bad_message_is_a_letter_with_the_reason(value: bytes | None, reason: str) -> None:
    result = run([good(1), value, good(2)])
    assert (result.good, result.bad) == (2, 1)
    assert [event.id for event in mentions(result)] == ["x:1", "x:2"]
    (letter,) = letters(result)
    assert (letter.reason, letter.payload) == (reason, value or b"")
    assert (letter.service, letter.at) == ("process", ENRICHED)
    assert (letter.topic, letter.partition, letter.offset) == ("tocsin.posts", 3, 101)
    assert (letter.key, letter.replays) == (b"k1", 1)


def test_a_mention_that_outgrows_its_topic_is_a_letter() -> None:
    # The post fits; with its text as entities too, the mention does not.
    large = upsert(1, "Velmora " + "x" * 90_000)
    enricher = Enricher(
        [BrandAnnotator(lambda: MATCHER), Loudness(times=MAX_MENTION_BYTES // 90_000)]
    )
    result = run([good(2), POST_EVENT.encode(large), good(3)], enricher)
    assert [event.id for event in mentions(result)] == ["x:2", "x:3"]
    (letter,) = letters(result)
    assert (letter.reason, letter.payload) == ("too_large", POST_EVENT.encode(large))
    assert str(MAX_MENTION_BYTES) in letter.detail
    assert announced(result) == [large.id]


def test_a_post_of_another_producer_is_cut_to_the_bounds_of_ours() -> None:
    large = upsert(1, "Velmora " + "x" * 300_000)
    large = replace(large, post=replace(large.post, hashtags=["#x"] * 5_000))
    (event,) = mentions(
        run([POST_EVENT.encode(large)], Enricher([BrandAnnotator(lambda: MATCHER)]))
    )
    assert isinstance(event, MentionUpsert)
    post = event.mention.post
    assert (len(post.text), post.truncated, len(post.hashtags)) == (MAX_TEXT, True, MAX_ITEMS)
    assert post.created_at == large.post.created_at


def test_failures_are_counted_by_reason_and_explained() -> None:
    labels = {"service": "process", "reason": "enrich_failed"}
    before = REGISTRY.get_sample_value("tocsin_dead_letters_total", labels) or 0
    failures = letters(run([good(1, "poison"), good(2), good(7, "poison")]))
    assert failures[1].detail == "Poison: cannot take x:7"
    assert REGISTRY.get_sample_value("tocsin_dead_letters_total", labels) == before + 2


MESSAGES: dict[str, Callable[[int], bytes | None]] = {
    "good": good,
    "unmatched": lambda number: good(number, "rien"),
    "delete": lambda number: POST_EVENT.encode(delete(number)),
    "erase": lambda number: POST_EVENT.encode(make.erase(str(number), source="x")),
    "poison": lambda number: good(number, "Velmora poison"),
    "json": lambda number: b"{%d" % number,
    "schema": lambda number: b'{"op":"upsert","id":"x:%d"}' % number,
    "null": lambda number: None,
}
KINDS = st.sampled_from(list(MESSAGES))


@given(st.lists(KINDS, max_size=25))
def test_every_message_comes_out_exactly_once(kinds: list[str]) -> None:
    values = [MESSAGES[kind](number) for number, kind in enumerate(kinds)]
    result = run(values)
    passing = ("good", "unmatched", "delete", "erase")
    fine = [number for number, kind in enumerate(kinds) if kind in passing]
    bad = {number: kind for number, kind in enumerate(kinds) if number not in fine}
    assert (result.good, result.bad) == (len(fine), len(bad))
    assert [event.id for event in mentions(result)] == [f"x:{number}" for number in fine]
    reasons = {"poison": "enrich_failed", "schema": "invalid_message"}
    by_offset = {letter.offset: letter for letter in letters(result)}
    assert len(by_offset) == len(letters(result)) == len(bad)
    assert announced(result) == [f"x:{number}" for number in bad if bad[number] == "poison"]
    for number, kind in bad.items():
        letter = by_offset[100 + number]
        told = (letter.reason, letter.payload, letter.key)
        reason = reasons.get(kind, "invalid_json")
        assert told == (reason, values[number] or b"", b"k%d" % number)


@given(st.lists(KINDS.filter(lambda kind: kind != "poison"), max_size=10), st.integers(0, 10))
def test_a_poison_message_leaves_the_others_as_they_were(kinds: list[str], at: int) -> None:
    values = [MESSAGES[kind](number) for number, kind in enumerate(kinds)]
    poisoned = [*values[:at], good(99, "poison"), *values[at:]]
    assert mentions(run(poisoned)) == mentions(run(values))
