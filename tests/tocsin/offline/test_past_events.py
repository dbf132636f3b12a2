"""The past of a file for a back-test: events, activity, or posts that are annotated first."""

from datetime import timedelta
from pathlib import Path

import pytest

from schemas.codec import ACTIVITY, MENTION_EVENT
from schemas.errors import ConfigurationError
from schemas.mention import MentionUpsert
from tests.processors.detector.storms import START, record
from tocsin.offline.past_events import past_events

CSV = "tweet_id,date,tweet\n2,2026-03-02 10:05,Velmora is down\n1,2026-03-02 10:00,Velmora\n"


@pytest.fixture(autouse=True)
def brands_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The models have tests of their own and take seconds to load.
    monkeypatch.setenv("TOCSIN_PROCESS_ANNOTATORS", "brands")
    (tmp_path / "brands.yaml").write_text("brands: [{id: velmora, name: Velmora}]")


def test_posts_become_mentions_in_the_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV + "3,2026-03-02 10:06,nothing\n")
    with past_events(tmp_path / "a.csv", tmp_path / "brands.yaml") as events:
        mentions = [MENTION_EVENT.decode(line) for line in events]
    assert [mention.id for mention in mentions] == ["file:1", "file:2"]
    for mention in mentions:
        assert isinstance(mention, MentionUpsert)
        assert mention.ingested_at == mention.mention.post.created_at


def test_posts_without_times_or_brands_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,Velmora\n")
    with pytest.raises(ConfigurationError, match="no post of the file says when"):
        past_events(tmp_path / "a.csv", tmp_path / "brands.yaml")
    with pytest.raises(ConfigurationError, match="add --brands brands.yaml"):
        past_events(tmp_path / "a.csv", None)


def test_a_few_posts_without_a_time_are_left_out_and_told(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "a.csv").write_text(CSV + "3,,Velmora\n")
    with past_events(tmp_path / "a.csv", tmp_path / "brands.yaml", say=said.append) as events:
        assert len(list(events)) == 2
    assert "1 posts do not say when they were written" in said


@pytest.mark.parametrize("at_once", [True, False])
def test_a_file_that_was_annotated_at_once_says_nothing_about_hearing(
    tmp_path: Path, at_once: bool
) -> None:
    end = START + timedelta(minutes=90)
    records = [record(n, START + timedelta(minutes=n)) for n in range(90)]
    lines = [
        ACTIVITY.encode(
            type(each)(**{name: getattr(each, name) for name in each.__struct_fields__}
                       | ({"ingested_at": end} if at_once else {}))
        )
        for each in records
    ]  # fmt: skip
    path = tmp_path / "activity.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    with past_events(path, None) as events:
        found = [ACTIVITY.decode(line) for line in events]
    assert [each.at for each in found] == [each.at for each in records]
    assert [each.ingested_at for each in found] == [
        each.at if at_once else each.ingested_at for each in records
    ]
