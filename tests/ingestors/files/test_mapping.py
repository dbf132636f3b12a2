"""Mappings: validation, conversion of rows, and the shipped ones on the real files."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.files.cells import NotAPost
from ingestors.files.mapping import SHIPPED, MappingFile, load_mapping
from ingestors.files.post_line import read_post_line
from ingestors.files.row_mapping import RowMapping
from ingestors.files.source import ReplaySource
from schemas.codec import POST_EVENT
from schemas.errors import ConfigurationError
from schemas.ids import microseconds, time_of
from schemas.post import Community, PostDelete, PostUpsert, Publisher, Rating
from tests.ingestors.hostile_json import JSON
from tests.ingestors.reading import drain, events_of, unreadable_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS = {
    "airline_us_2015": 14_640,
    "crisislex_t26": 14_021,
    "french_media_2022": 2_800,
    "sanders_brands": 3_068,
}
FIELDS = {"id": "id", "text": "body.text", "created_at": "ts"}


def real_file(name: str) -> str:
    """A file of the real data, which is not part of a checkout; skips the test without it."""
    shared = Path(__file__).resolve().parents[4] / "shared" / "data"
    path = Path(os.environ.get("TOCSIN_SHARED_DATA", shared)) / "stream" / f"{name}.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"needs the real data (TOCSIN_SHARED_DATA/stream/{path.name})")
    return str(path)


def mapping(**changes: Any) -> RowMapping:
    return RowMapping(msgspec.convert({"source": "feed", "fields": FIELDS} | changes, MappingFile))


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_real_row_is_read(name: str) -> None:
    batches = drain(ReplaySource(real_file(name), mapping=name))
    events = events_of(batches)
    assert (len(events), unreadable_of(batches)) == (ROWS[name], [])
    for event in events:
        assert isinstance(event, PostUpsert)
        assert event.source == name
        assert event.version == microseconds(event.post.created_at)
        assert time_of(event.id) is None
    versions = [event.version for event in events]
    assert versions == sorted(versions)


def test_repeated_ids_of_the_airline_file_are_repeats_and_nothing_else() -> None:
    name = "airline_us_2015"
    first: dict[str, PostUpsert] = {}
    sentiments: Counter[str] = Counter()
    for event in events_of(drain(ReplaySource(real_file(name), mapping=name))):
        assert isinstance(event, PostUpsert)
        original = first.setdefault(event.id, event)
        assert (original.post.text, original.version) == (event.post.text, event.version)
        sentiments[event.post.labels["label"]] += 1
    assert ROWS[name] - len(first) == 155
    assert sentiments == {"negative": 9178, "neutral": 3099, "positive": 2363}


def test_shipped_mappings_are_these_and_all_load() -> None:
    assert sorted(path.stem for path in SHIPPED.glob("*.yaml")) == sorted(ROWS)
    for name in ROWS:
        assert load_mapping(name).source == name


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("source: a\nfields: {id: a, text: b}\nlable: [x]", "did you mean 'labels'"),
        ("source: a\nfields: {id: a, txet: b}", "did you mean 'text'"),
        ("source: a\nfields: {id: a}", "`text`"),
        ("source: a\nfields: {text: a}", "id_from"),
        ("source: a\nfields: {id: a, text: b}\ntimes: [rfc3393]", "did you mean 'rfc3339'"),
        ("source: a\nfields: {id: a, text: b}\nformat: xml", "format"),
        ("source: 'a:b'\nfields: {id: a, text: b}", "source"),
        ("source: a\nfields: {id: a, text: b}\ndelimiter: ';;'", "delimiter"),
        ("source: a\nfields: {id: a, text: b}\nlist_separator: ''", "list_separator"),
        ("source: a\nfields: {id: a, text: b}\ndelete: {felid: a, values: [b]}", "felid"),
        (
            "source: a\nfields: {id: a, text: b}\nquotechar: ','\ndelimiter: ','",
            "different characters",
        ),
        ("source: a\nfields: {id: a, text: b}\nescape: '\\n'", "escape must be one character"),
        ("source: a\nfields: {id: a, text: b}\nencoding: klingon", "no encoding 'klingon'"),
        ("source: a\nfields: {id: a, text: b}\ntime_zone: Europe/Pariss", "no time_zone"),
        ("source: a\nfields: {id: a, text: b}\nskip_lines: -1", "skip_lines"),
        ("source: a\nfields: {id: a, text: b}\nquoting: all", "quoting"),
        ("source: a\nfields: {id: a, text: b}\nrating_scale: [5, 1]", "rating_scale"),
        ("fields: {id: a, text: b}", "source"),
        ("- a", "source and fields"),
        ("a: [", "not valid YAML"),
        ("a: 2001-99-99", "not valid YAML"),
    ],
)
def test_a_wrong_mapping_is_explained(tmp_path: Path, yaml: str, message: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml)
    with pytest.raises(ConfigurationError, match=message):
        load_mapping(str(path))


def test_an_unknown_name_points_to_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'sanders_brands'"):
        load_mapping("sander_brands")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_mapping("none/such.yaml")


def test_reviews_communities_and_publishers() -> None:
    rows = mapping(
        fields={
            **FIELDS,
            "rating.value": "note",
            "rating.best": "sur",
            "community.name": "forum",
            "community.members": "inscrits",
            "publisher.domain": "site",
            "publisher.country": "pays",
            "about": "app.id",
            "about_name": "app.nom",
            "thread": "fil",
            "format": "type",
            "keep_until": "jusque",
            "author.bot": "robot",
            "metrics.score": "votes",
        },
        rating_scale=[0, 10],
    )
    row = {
        "id": 1, "body": {"text": "nul"}, "ts": "2026-03-01T10:00:00Z", "note": "7,5",
        "forum": "Le Café", "inscrits": "1 200", "site": "j.example", "pays": "Belgique",
        "app": {"id": "app:1", "nom": "Velmora"}, "fil": 5, "type": "Review",
        "jusque": "2026-04-01T10:00:00Z", "robot": "oui", "votes": "-12",
    }  # fmt: skip
    event = rows.event(row, NOW)
    assert isinstance(event, PostUpsert)
    post = event.post
    assert post.rating == Rating(value=7.5, best=10, worst=0)
    assert post.community == Community(id="Le Café", name="Le Café", members=1200)
    assert post.publisher == Publisher(domain="j.example", country="BE")
    assert (post.about, post.about_name) == ("app:1", "Velmora")
    assert (post.thread, post.format, post.author.bot) == ("feed:5", "review", True)
    assert post.keep_until == datetime(2026, 4, 1, 10, tzinfo=UTC)
    assert post.metrics.score == -12
    event = rows.event(row | {"note": "12", "sur": 20, "type": "poem", "votes": "-x"}, NOW)
    assert isinstance(event, PostUpsert)
    assert event.post.rating == Rating(value=12, best=20, worst=0)
    assert (event.post.format, event.post.metrics.score) == (None, None)
    assert rows.tally.counts == {"format": 1, "metrics.score": 1}


def test_paths_lists_metrics_and_authors() -> None:
    rows = mapping(
        fields={
            **FIELDS,
            "author.id": "user.id",
            "author.followers": "user.followers",
            "author.verified": "user.verified",
            "metrics.likes": "likes",
            "metrics.views": "views",
            "hashtags": "entities.tags.*.text",
            "mentions": "to",
            "links": "urls.0",
        },
        labels=["mood", "user.kind"],
        list_separator=";",
    )
    row = {
        "id": 5,
        "body": {"text": "hello #ignored"},
        "ts": "2026-03-01T10:00:00Z",
        "user": {"id": 9, "followers": "12.0", "verified": "yes", "kind": "press"},
        "likes": "30",
        "views": "many",
        "entities": {"tags": [{"text": "one"}, {"text": "#two"}, {}]},
        "to": "@a; b;",
        "mood": "",
    }
    post = rows.event(row, NOW).post
    assert post is not None
    assert (post.author.id, post.author.followers, post.author.verified) == ("9", 12, True)
    assert (post.metrics.likes, post.metrics.views) == (30, None)
    assert (post.hashtags, post.mentions, post.links) == (["one", "two"], ["a", "b"], [])
    assert post.labels == {"user.kind": "press"}


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("rfc3339", "2026-03-01T11:00:00+01:00"),
        ("epoch_s", "1772359200"),
        ("epoch_ms", 1772359200000),
        ("%a %b %d %H:%M:%S %z %Y", "Sun Mar 01 10:00:00 +0000 2026"),
        ("%d/%m/%Y %H:%M", "01/03/2026 10:00"),
    ],
)
def test_time_formats(pattern: str, written: Any) -> None:
    row = {"id": "1", "body": {"text": "a"}, "ts": written}
    event = mapping(times=["%Y", pattern]).event(row, NOW)
    assert event.version == microseconds(datetime(2026, 3, 1, 10, tzinfo=UTC))


def test_a_time_in_no_known_format_is_told() -> None:
    with pytest.raises(NotAPost, match="times"):
        mapping().event({"id": "1", "body": {"text": "a"}, "ts": "yesterday"}, NOW)


def test_deletes_and_edits() -> None:
    fields = {"id": "id", "text": "t", "created_at": "c", "edited_at": "e", "deleted_at": "d"}
    rows = mapping(fields=fields, delete={"field": "op", "values": ["gone"]})
    times = {"c": "2026-03-01T10:00:00Z", "e": "2026-03-01T10:01:00Z", "d": "2026-03-01T10:02:00Z"}
    edit = rows.event({"id": "1", "t": "a", "op": "new", **times}, NOW)
    delete = rows.event({"id": "1", "op": "gone", **times}, NOW)
    assert isinstance(edit, PostUpsert) and edit.post.edited_at is not None
    assert (delete.op, delete.id) == ("delete", edit.id)
    assert delete.version - edit.version == 60_000_000
    assert rows.event({"id": "1", "op": "gone"}, NOW).version == microseconds(NOW)


def test_ids_are_made_of_the_fields_that_tell_posts_apart() -> None:
    rows = mapping(fields={"text": "t"}, id_from=["t", "u"])
    first, again, other = (rows.event({"t": "a", "u": who}, NOW).id for who in ("b", "b", "c"))
    assert first == again != other
    assert rows.event({"t": "ab", "u": ""}, NOW).id != rows.event({"t": "a", "u": "b"}, NOW).id
    with pytest.raises(NotAPost, match="id_from"):
        rows.event({}, NOW)


EVERYTHING = {
    name: name.replace(".", "-")
    for name in (
        "id", "text", "source", "created_at", "edited_at", "deleted_at", "language", "country",
        "hashtags", "links", "author.id", "author.followers", "author.created_at", "metrics.likes",
        "reply_to",
    )
}  # fmt: skip


@given(st.dictionaries(st.sampled_from([*EVERYTHING.values(), "op"]), JSON))
def test_any_row_is_a_valid_event_or_not_a_post(row: dict[str, Any]) -> None:
    rows = mapping(
        fields=EVERYTHING,
        times=["rfc3339", "epoch_ms"],
        labels=["op"],
        delete={"field": "op", "values": ["1", "true"]},
        id_from=["text"],
    )
    try:
        event = rows.event(row, NOW)
    except NotAPost as error:
        assert str(error)
    else:
        assert POST_EVENT.decode(POST_EVENT.encode(event)) == event


REMOVALS = """
source: test
format: jsonl
fields: {id: id, text: text, created_at: at, edited_at: edited, deleted_at: gone}
delete: {field: state, values: [removed]}
"""


@pytest.mark.parametrize(
    ("gone", "edited", "version"),
    [
        (None, None, NOW),
        (None, "2026-01-01T11:00:00Z", NOW),
        ("2026-01-01T12:00:00Z", None, datetime(2026, 1, 1, 12, tzinfo=UTC)),
        # A removal that is dated before the last edit is newer all the same.
        ("2026-01-01T10:30:00Z", "2026-01-01T11:00:00Z", datetime(2026, 1, 1, 11, tzinfo=UTC)),
    ],
)
def test_a_removal_is_newer_than_what_it_removes(
    gone: str | None, edited: str | None, version: datetime
) -> None:
    mapping = RowMapping(msgspec.yaml.decode(REMOVALS, type=MappingFile))
    row = {"id": "1", "at": "2026-01-01T10:00:00Z", "state": "removed"}
    event = mapping.event(row | {"gone": gone, "edited": edited}, NOW)
    assert isinstance(event, PostDelete)
    assert event.version == microseconds(version)
    assert event.created_at == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_a_column_can_name_whose_words_are_copied() -> None:
    fields = {"id": "id", "text": "text", "copied_from": "original"}
    mapping = RowMapping(MappingFile(source="test", fields=fields))
    event = mapping.event({"id": "1", "text": "x", "original": "7"}, NOW)
    assert isinstance(event, PostUpsert)
    assert event.post.copied_from == ["7"]
    copy = read_post_line(b'{"id":"1","text":"RT @b: words"}', NOW, "test")
    assert isinstance(copy, PostUpsert)
    assert copy.post.copied_from == ["b"]
