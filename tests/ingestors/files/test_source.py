"""Files and pipes as a source: order, pace, shifted times, and restarts."""

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestors.files import source as replay
from ingestors.files import splitters
from ingestors.files.source import ReplaySource
from ingestors.source import Batch, Position, SourceError
from schemas.codec import POST_EVENT
from schemas.errors import ConfigurationError
from schemas.ids import microseconds
from schemas.post import Post, PostUpsert
from tests import make
from tests.ingestors.reading import (
    FakeTime,
    drain,
    drain_open,
    drain_paced,
    events_of,
    unreadable_of,
)

FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)
CSV_MAPPING = """
source: feed
format: csv
fields: {id: id, text: text, created_at: date, hashtags: tags}
times: ["%d/%m/%Y %H:%M"]
list_separator: " "
"""


def row(number: int, seconds: float | None = None, **fields: Any) -> dict[str, Any]:
    if seconds is not None:
        fields["created_at"] = (FIRST + timedelta(seconds=seconds)).isoformat()
    return {"id": str(number), "text": f"post {number}", **fields}


def write(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    data = "".join(json.dumps(item) + "\n" for item in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def source(path: str, time: FakeTime | None = None, **options: Any) -> ReplaySource:
    time = time or FakeTime()
    return ReplaySource(path, clock=time.clock, timer=time.timer, sleep=time.sleep, **options)


def next_batch(source: ReplaySource, position: Position | None = None) -> Batch:
    with closing(source):
        source.open(position)
        return source.next_batch()


def posts_of(batches: list[Batch]) -> list[Post]:
    return [event.post for event in events_of(batches) if isinstance(event, PostUpsert)]


def numbers(batches: list[Batch]) -> list[str]:
    return [event.id.removeprefix("file:") for event in events_of(batches)]


@pytest.mark.parametrize("name", ["posts.jsonl", "posts.jsonl.gz"])
def test_a_file_is_read_to_its_end_in_bounded_batches(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, [row(n, n) for n in range(1201)])
    batches = drain(source(path))
    assert numbers(batches) == [str(n) for n in range(1201)]
    assert max(len(batch.events) for batch in batches) <= replay.BATCH_EVENTS
    assert batches[-1].position is not None and batches[-1].position["line"] == 1201
    assert not any(batch.finished for batch in batches[:-1])


def test_reading_twice_gives_the_same_ids_and_versions(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [row(n, n) for n in range(10)])
    later = FakeTime()
    later.passed = 86_400.0
    first, second = events_of(drain(source(path))), events_of(drain(source(path, later)))
    assert [(e.id, e.version, e.post) for e in first] == [(e.id, e.version, e.post) for e in second]


def test_bad_lines_are_handed_over_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id":1,"text":"a"}\n\nnonsense\n{"id":2,"text":"b"}\n{"id":3')
    batches = drain(source(str(path)))
    assert numbers(batches) == ["1", "2"]
    assert [(item.payload, item.detail.split(":")[0]) for item in unreadable_of(batches)] == [
        (b"nonsense\n", "line 3"),
        (b'{"id":3', "line 5"),
    ]


def test_an_endless_line_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitters, "MAX_LINE_BYTES", 1000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id":1,"text":"' + b"a" * 5000 + b'"}\n{"id":2,"text":"b"}\n')
    batches = drain(source(str(path)))
    assert numbers(batches) == ["2"]
    assert len(unreadable_of(batches)[0].payload) == 1001


def test_own_events_and_bare_posts_may_be_mixed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(POST_EVENT.encode(make.delete("x:9")) + b'\n{"id":"1","text":"a"}\n')
    assert [event.op for event in events_of(drain(source(str(path))))] == ["delete", "upsert"]


# Pace


def test_pace_keeps_the_gaps_and_never_sleeps_long(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [row(1, 0), row(2, 0.5), row(3, 10)])
    time = FakeTime()
    came = drain_paced(source(path, time, pace=1.0), time)
    assert came == {"file:1": 0.0, "file:2": pytest.approx(0.5), "file:3": pytest.approx(10.0)}


def test_what_waits_is_not_in_the_position(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [row(1, 0), row(2, 3600)])
    playing = source(path, pace=1.0)
    playing.open(None)
    batch, empty = playing.next_batch(), playing.next_batch()
    playing.close()
    assert numbers([batch]) == ["1"] and not empty.events and not empty.finished
    assert numbers(drain(source(path), empty.position)) == ["2"]


@pytest.mark.parametrize(
    ("times", "pace", "passed"), [((0, 600), 60, 10.0), ((0, None, 1), 1, 1.0)]
)
def test_pace_multiplies_and_waits_for_no_row_without_a_time(
    tmp_path: Path, times: Sequence[float | None], pace: float, passed: float
) -> None:
    path = write(tmp_path / "a.jsonl", [row(*numbered) for numbered in enumerate(times)])
    time = FakeTime()
    assert len(events_of(drain(source(path, time, pace=pace)))) == len(times)
    assert time.passed == pytest.approx(passed)


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        *(("a", {"pace": pace}, "above 0") for pace in (0, -1, float("inf"), float("nan"))),
        ("-", {"sort": True}, "save it to a file"),
        ("-", {"redate": "end"}, "save it to a file"),
        *(("a", {"redate": "start", "pace": pace}, "--redate end") for pace in (None, 1.5, 60)),
    ],
)
def test_options_that_cannot_be_are_refused(path: str, options: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ReplaySource(path, **options)


# Redating


def test_redate_start_puts_the_first_event_at_the_present(tmp_path: Path) -> None:
    edited = (FIRST + timedelta(seconds=90)).isoformat()
    path = write(tmp_path / "a.jsonl", [row(1, 60), row(2, 70, edited_at=edited), row(3)])
    time = FakeTime()
    first, second, untimed = posts_of(drain(source(path, time, redate="start", pace=1)))
    assert first.created_at == time.start
    assert second.created_at == time.start + timedelta(seconds=10)
    assert second.edited_at == time.start + timedelta(seconds=30)
    assert untimed.created_at == time.clock()


def test_redate_end_puts_the_last_event_at_the_present(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl.gz", [row(1, 60), row(2, 0), row(3, 30)])
    time = FakeTime()
    batches = drain(source(path, time, redate="end"))
    times = [post.created_at for post in posts_of(batches)]
    assert [(time.start - when).total_seconds() for when in times] == [0.0, 60.0, 30.0]
    assert [event.version for event in events_of(batches)] == list(map(microseconds, times))


@pytest.mark.parametrize("redate", ["start", "end"])
def test_the_shift_outlives_a_restart(tmp_path: Path, redate: str) -> None:
    path = write(tmp_path / "a.jsonl", [row(n, n) for n in range(1000)])
    options: dict[str, Any] = {"redate": redate, "pace": 1}
    whole = events_of(drain(source(path, **options)))
    batch = next_batch(source(path, **options))
    later = FakeTime()
    later.passed = 7200.0
    rest = events_of(drain(source(path, later, **options), batch.position))
    assert [e.post for e in [*batch.events, *rest]] == [e.post for e in whole]


# Sorting


def test_sort_plays_in_the_order_of_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [row(1, 9), row(2, 5), row(3), row(4, 7)])
    assert numbers(drain(source(path, sort=True))) == ["2", "3", "4", "1"]


def test_sort_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MAX_SORTED_ROWS", 3)
    path = write(tmp_path / "a.jsonl", [row(n, n) for n in range(4)])
    with pytest.raises(SourceError, match="sort the file beforehand"):
        drain(source(path, sort=True))


# Restarts


LINE = st.one_of(
    st.integers(0, 99).map(lambda n: json.dumps(row(n, n)).encode()),
    st.text(max_size=30).map(str.encode),
    st.binary(max_size=30),
    st.just(b'{"id":"q","text":"with \\"quotes\\""}'),
    st.just(b'1,"a quoted\nfield",05/01/2026 08:00,x y'),
    st.just(b"2,plain,06/01/2026 08:00,"),
)


@pytest.fixture(scope="module")
def csv_mapping(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("mapping") / "feed.yaml"
    path.write_text(CSV_MAPPING)
    return str(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.lists(LINE, max_size=12).map(b"\n".join),
    zipped=st.booleans(),
    mapped=st.booleans(),
    size=st.integers(1, 5),
    sort=st.booleans(),
)
def test_any_file_gives_the_same_events_however_often_it_is_interrupted(
    tmp_path: Path, csv_mapping: str, content: bytes, zipped: bool, mapped: bool, size: int,
    sort: bool,
) -> None:  # fmt: skip
    path = tmp_path / "any"
    data = (b"id,text,date,tags\n" if mapped else b"{}\n") + content
    path.write_bytes(gzip.compress(data) if zipped else data)
    mapping = csv_mapping if mapped else None
    options: dict[str, Any] = {"mapping": mapping, "redate": "end", "sort": sort}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "BATCH_EVENTS", size)
        try:
            whole = drain(source(str(path), **options))
        except SourceError as error:
            assert "its encoding cannot be told" in str(error)
            return
        pieces: list[Batch] = []
        position: Position | None = None
        while not pieces or not pieces[-1].finished:
            pieces.append(next_batch(source(str(path), **options), position))
            position = json.loads(json.dumps(pieces[-1].position))
    assert events_of(pieces) == events_of(whole)
    assert unreadable_of(pieces) == unreadable_of(whole)
    for event in events_of(whole):
        assert POST_EVENT.decode(POST_EVENT.encode(event)) == event


def test_another_file_under_the_same_name_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [row(n, n) for n in range(3)])
    position = drain(source(path))[-1].position
    for other in ((7, 8, 9), range(4)):
        write(tmp_path / "a.jsonl", [row(n, n) for n in other])
        with pytest.raises(SourceError, match="has changed since"):
            drain(source(path), position)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(SourceError, match="check its name"):
            source(str(path)).open(None)


def test_a_damaged_gzip_gives_what_it_held_and_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    write(path, [row(n, n, note=os.urandom(90).hex()) for n in range(3000)])
    path.write_bytes(path.read_bytes()[:-40_000])
    seen = 0
    with closing(source(str(path))) as damaged:
        damaged.open(None)
        with pytest.raises(SourceError, match="damaged after line"):
            while True:
                seen += len(damaged.next_batch().events)
        with pytest.raises(SourceError, match="damaged"):
            damaged.next_batch()
        damaged.close()
    assert seen > 500


def test_source_ids_tell_wishes_apart() -> None:
    wishes = [{}, {"redate": "end"}, {"sort": True}, {"mapping": "sanders_brands"}]
    ids = {ReplaySource("a.jsonl", **wish).source_id for wish in wishes}  # type: ignore[arg-type]
    assert len(ids) == 4
    assert ReplaySource("a.jsonl", pace=2).source_id == ReplaySource("a.jsonl").source_id


def summary(reading: ReplaySource, position: Position | None = None) -> tuple[list[str], bool]:
    drain(reading, position)
    return list(reading.summary()), reading.read_nothing


def test_the_end_says_what_was_no_post(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id":"1"}\n{"id":"2"}\n')
    (told,), read_nothing = summary(source(str(path)))
    assert read_nothing
    assert told.startswith("2 of 2 records are no posts (first: line 1: this is not a post: it has")
    assert told.endswith("see 'tocsin dead-letters list'")
    path.write_bytes(b'{"id":"1","text":"a","likes":"many"}\n{"id":"2"}\n')
    told_of, read_nothing = summary(source(str(path)))
    assert not read_nothing
    assert [line.partition(" ")[2].partition("(")[0] for line in told_of] == [
        "of 2 records are no posts ",
        "of 1 post could not be read and is left out ",
        "post says when it was written: all count as written now",
    ]


def test_a_file_that_was_read_before_says_so_until_its_mapping_changes(tmp_path: Path) -> None:
    path, mapping = tmp_path / "a.csv", tmp_path / "m.yaml"
    path.write_text("post_id,body\n1,a\n2,b\n")
    mapping.write_text("source: a\nfields: {id: post_id, text: post_id}")
    first = source(str(path), mapping=str(mapping))
    position = drain(first)[-1].position
    told, _ = summary(source(str(path), mapping=str(mapping)), position)
    assert told == [
        f"{path} was read to its end before, with this mapping; --afresh reads it again"
    ]
    mapping.write_text("source: a\nfields: {id: post_id, text: body}")
    mended = source(str(path), mapping=str(mapping))
    assert mended.source_id != first.source_id
    mapping.write_text("fields: {text: body, id: post_id}\nsource: a  # the same")
    assert source(str(path), mapping=str(mapping)).source_id == mended.source_id


def test_a_check_needs_no_broker(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="check its name"):
        source(str(tmp_path / "none")).check()
    assert source("-").check() == []


# CSV


def test_csv_with_quotes_line_breaks_and_lists(tmp_path: Path, csv_mapping: str) -> None:
    rows = [
        "\ufeffid,text,date,tags",
        '1,"said ""hi"",\nand left",05/01/2026 08:00,#one two',
        "2,short",
        "3,é,05/01/2026 09:00,",
    ]
    path = tmp_path / "a.csv"
    path.write_bytes("\r\n".join([*rows, '4,"never closed\n']).encode())
    batches = drain(source(str(path), mapping=csv_mapping))
    quoted, short = posts_of(batches)
    assert (quoted.text, quoted.hashtags) == ('said "hi",\nand left', ["one", "two"])
    assert (short.id, short.text) == ("feed:3", "é")
    assert [item.detail.split(":")[0] for item in unreadable_of(batches)] == ["line 4", "line 6"]
    assert unreadable_of(batches)[1].payload == b'4,"never closed\n'


def test_csv_without_a_header(tmp_path: Path) -> None:
    mapping = tmp_path / "feed.yaml"
    mapping.write_text(
        "source: feed\nformat: csv\ndelimiter: ';'\ncolumns: [n, t]\nfields: {id: n, text: t}"
    )
    path = tmp_path / "a.csv"
    path.write_bytes(b"1;one\n2;two\n")
    batches = drain(source(str(path), mapping=str(mapping)))
    assert [post.text for post in posts_of(batches)] == ["one", "two"]


# Pipes


@contextmanager
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A pipe's two ends, to read from and to write to."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as output, os.fdopen(writing, "wb", 0) as feed:
        yield output, feed


def test_a_pipe_is_read_as_it_comes_and_cannot_resume(csv_mapping: str) -> None:
    with pipe() as (output, feed):
        reading = ReplaySource("-", mapping=csv_mapping, stdin=output)
        reading.open({"line": 5})
        feed.write(b'id,text,date,tags\n1,"half a')
        assert reading.next_batch() == Batch([], None, [], False)
        feed.write(b' record\nends here",05/01/2026 08:00,\n2,two,05/01/2026 08:00,')
        (event,) = reading.next_batch().events
        assert isinstance(event, PostUpsert) and event.post.text == "half a record\nends here"
        feed.close()
        last = drain_open(reading)
        assert [event.id for event in events_of(last)] == ["feed:2"]
        assert last[-1].position is None
        reading.close()


def test_gzip_on_a_pipe_is_unpacked() -> None:
    with pipe() as (output, feed):
        feed.write(gzip.compress(b'{"id":"1","text":"a"}\n'))
        feed.close()
        assert [post.id for post in posts_of(drain(source("-", stdin=output)))] == ["file:1"]


def outcome(reading: ReplaySource) -> tuple[Any, ...]:
    """Everything that comes of a file, or the error that refuses it."""
    try:
        batches = drain(reading)
    except (SourceError, ConfigurationError) as error:
        return (str(error).partition(" ")[2][-40:],)
    return events_of(batches), unreadable_of(batches)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
def test_a_pipe_reads_like_a_file(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    data = b"{" + b"".join(pieces) + b"\n"
    path = tmp_path_factory.getbasetemp() / "piped"
    path.write_bytes(data)
    with pipe() as (output, feed):
        feed.write(data)
        feed.close()
        from_pipe = outcome(source("-", stdin=output))
    assert from_pipe == outcome(source(str(path)))
