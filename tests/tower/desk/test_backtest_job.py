"""A back-test is the detector over the index's past: with the present policy, and another."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from processors.detector.backtest import backtest_alerts
from processors.detector.backtest import replay as replayed
from processors.enrichment.activity_records import activity_of
from runtime.settings import ElasticsearchSettings, load
from schemas.activity import Activity
from schemas.brand import AlertPolicy
from schemas.errors import ServiceUnavailable
from schemas.mention import BrandMatch, MentionUpsert, Sentiment
from schemas.post import Author
from tests import make
from tests.processors.detector.storms import START, calm, storm, together
from tests.tower.questions.corpus import Corpus
from tests.tower.questions.index import Index
from tower.desk.activity_history import records_of_index
from tower.desk.backtest_job import MAX_DAYS, BacktestRequest, run

BRAND = make.brand("velmora", alerts=AlertPolicy(minimum_volume=10))
END = START + timedelta(hours=24)


def mention(record: Activity, number: int) -> MentionUpsert:
    """A mention of the record's brand and of another one, in the tone of the record."""
    post = make.post(
        " ".join(record.terms),
        id=f"x:{number}",
        author=Author(id=record.author),
        created_at=record.at,
        hashtags=["velmoradown"] if "#velmoradown" in record.terms else [],
    )
    score = record.score or 0.0
    tone = Sentiment(
        label=record.sentiment or "neutral", score=score, negative=0.3, neutral=0.4, positive=0.3
    )
    brands = [BrandMatch(id=id_, sentiment=tone) for id_ in ("velmora", "corvane")]
    event = make.enriched(
        make.mention(post, language="fr", brands=brands), version=number + 1, at=record.at
    )
    assert isinstance(event, MentionUpsert)
    return event


class Past:
    """A day with a storm in the index."""

    def __init__(self, url: str) -> None:
        records = together(calm(16, 0.6), storm(14, 25, 15))
        self.events = [mention(record, number) for number, record in enumerate(records)]
        self.index = Index(url, Corpus(self.events), "past-")
        self.settings = load(ElasticsearchSettings, url=url, index_prefix="past-")

    def records(self, brand: str = "velmora") -> list[Activity]:
        """What the detector got of a brand, in the order of event time."""
        ordered = sorted(
            self.events,
            key=lambda one: (int(one.mention.post.created_at.timestamp() * 1000), one.id),
        )
        found = [
            record
            for one in ordered
            for record in activity_of(one.version, one.ingested_at, one.mention)
        ]
        return [record for record in found if record.brand == brand]


@pytest.fixture(scope="module")
def past(url: str) -> Iterator[Past]:
    past = Past(url)
    yield past
    past.index.close()


@pytest.mark.embedded
def test_the_index_gives_the_records_that_the_detector_got(past: Past) -> None:
    found = list(records_of_index(past.settings, "velmora", START, END))
    assert len(found) > 500
    assert found == past.records()
    part = list(records_of_index(past.settings, "velmora", START, START + timedelta(hours=3)))
    assert part == [one for one in past.records() if one.at < START + timedelta(hours=3)]
    assert not list(records_of_index(past.settings, "nobody", START, END))


@pytest.mark.embedded
def test_it_fires_as_the_detector_does_with_either_sensitivity(past: Past) -> None:
    request = BacktestRequest(brand=BRAND, since=START, until=END, sensitivity=0.1)
    result = run(request, past.settings)
    assert result.mentions == len(past.records())
    for sensitivity, fired in ((1.0, result.present), (0.1, result.changed)):
        policy = replace(BRAND.alerts, sensitivity=sensitivity)
        wanted = backtest_alerts(replayed(past.records(), [replace(BRAND, alerts=policy)]))
        assert [(one.opened_at, one.severity) for one in fired] == [
            (one.opened_at, one.severity) for one in wanted
        ]
    assert result.present, "the storm fires"
    assert len(result.changed) != len(result.present) or result.changed != result.present


@pytest.mark.embedded
def test_it_reads_no_more_than_a_month(past: Past) -> None:
    until = END + timedelta(days=MAX_DAYS)
    request = BacktestRequest(
        brand=BRAND, since=START - timedelta(days=300), until=until, sensitivity=1
    )
    assert run(request, past.settings).mentions == 0


def test_an_index_that_is_away_is_a_sentence() -> None:
    request = BacktestRequest(brand=BRAND, since=START, until=END, sensitivity=1)
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        run(request, load(ElasticsearchSettings, url="http://127.0.0.1:9"))


def test_as_a_process_it_tells_its_error_and_no_traceback() -> None:
    good = BacktestRequest(brand=BRAND, since=START, until=END, sensitivity=1)
    wrong = {**json.loads(msgspec.json.encode(good)), "sensitivity": 1_000}
    done = subprocess.run(
        [sys.executable, "-m", "tower.desk.backtest_job"],
        input=json.dumps(wrong).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"sensitivity" in done.stderr
    assert b"Traceback" not in done.stderr
