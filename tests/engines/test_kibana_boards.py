"""Real Elasticsearch answers every request of the Kibana objects, and finds what is there.

The index has a generated day, and a few posts that have every field of the accurate tier. Kibana
itself does not run: ``tests/deploy/lens_request.py`` writes the requests from what it stores.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from elasticsearch import Elasticsearch

from brands.brand_matcher import BrandMatcher
from deploy.kibana.data_views import DataView
from ingestors.generator.accounts import brands
from ingestors.generator.source import generate
from processors.enrichment.annotator_table import build_enricher
from runtime.settings import ElasticsearchSettings, ProcessSettings
from schemas.alert import Alert
from schemas.mention import (
    Aspect,
    BrandMatch,
    Emotion,
    Flag,
    Influence,
    Language,
    Mention,
    Sentiment,
)
from schemas.post import Author, Community, Publisher, Rating
from schemas.types import JsonObject
from sinks.alerts.store import merged
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import Operation, removal, tombstone, upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup as setup_indices
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.deploy.kibana_file import BY_VIEW, LensPanel, lens_panels, of_type, references
from tests.deploy.lens_request import (
    Request,
    Span,
    control_request,
    panel_requests,
    session_request,
)
from tests.stack_fixtures import RunningEngines
from tocsin.cli.demo_summary import alerts_of

pytestmark = pytest.mark.engines

START = datetime(2026, 3, 2, tzinfo=UTC)
SPAN = Span(START, START + timedelta(days=1))
POSTS = 2_500
ANNOTATORS = "language,brands,sentiment,entities,aspects,intents,duplicates,influence"
PREFIX = "boards-"
NEGATIVE = Sentiment(label="negative", score=-0.8, negative=0.85, neutral=0.1, positive=0.05)


@dataclass
class Boards:
    client: Elasticsearch

    def ask(self, request: Request) -> JsonObject:
        """The whole answer; an index's prefix is ours in place of the default."""
        pattern = request.view.pattern.replace("tocsin-", PREFIX)
        answer = dict(self.client.search(index=pattern, **_as_arguments(request.body)))
        assert answer["_shards"]["failed"] == 0 and not answer["timed_out"]
        return answer


def _as_arguments(body: JsonObject) -> JsonObject:
    return {"aggregations" if name == "aggs" else name: value for name, value in body.items()}


def day() -> dict[str, Operation]:
    """The generated day as the processors and the sink would leave it; id to its last state."""
    names = IndexNames(ElasticsearchSettings(index_prefix=PREFIX))
    matcher = BrandMatcher(brands())
    enricher = build_enricher(ProcessSettings(annotators=ANNOTATORS, tier="fast"), lambda: matcher)
    events = list(generate(1, POSTS, START))
    state: dict[str, Operation] = {}
    for event in enricher.enrich(events, SPAN.until).mentions:
        if event.op == "upsert":
            state[event.id] = upsert(event, names)
        elif event.id in state:
            index = state[event.id].index
            at = START + timedelta(hours=20)
            state[event.id] = tombstone(event.id, event.source, event.version, index, at)
    whole = [whole_mention(number) for number in range(6)]
    unread = make.mention(make.post(id="file:unread", created_at=START))
    unread.language = Language(code="fr", confidence=0.9)
    for mention in (*whole, unread):
        event = make.enriched(mention, at=START + timedelta(hours=12))
        state[event.id] = upsert(event, names)
    gone = removal("file:gone", 5, names, START + timedelta(hours=3))
    return {**state, gone.id: gone}


def whole_mention(number: int) -> Mention:
    """What the fast tier and the generated day leave empty."""
    post = make.post(
        "Velmora is down again, I will leave",
        id=f"file:whole-{number}",
        created_at=START + timedelta(hours=10, minutes=number),
        edited_at=START + timedelta(hours=11),
        claimed_at=START - timedelta(days=900),
        country="FR",
        place="Lyon",
        copied_from=["18"],
        links=["https://velmora.example/status"],
        truncated=True,
        rating=Rating(value=2, best=5, worst=1),
        community=Community(id="c1", name="Velmora help", members=900),
        publisher=Publisher(name="The Example", domain="news.example"),
        about="velmora-box",
        about_name="Velmora Box",
        author=Author(id=str(number), handle=f"ana{number}", followers=20_000, verified=False),
    )
    return Mention(
        post=post,
        brands=[BrandMatch(id="velmora", sentiment=NEGATIVE)],
        sentiment=NEGATIVE,
        aspects=[Aspect(label="service", text="down", start=11, end=15, sentiment=NEGATIVE)],
        intents=["complaint", "threat_to_leave", "question", "praise", "crisis"],
        emotion=Emotion(label="anger", confidence=0.9),
        irony=Flag(label=False, probability=0.1),
        toxicity=Flag(label=True, probability=0.8),
        duplicate_group="5d20c7e91f8ab463",
        influence=Influence(reach=20_000, engagement=7, account_age_days=3),
        tier="accurate",
    )


def desk_documents(found: list[Alert]) -> Iterator[tuple[str, JsonObject]]:
    """The alerts of the day, one of each severity, one of a blind source, and two of a person."""
    assigned = {"acknowledged_by": "ana", "assignee": "ana", "history": []}
    closed = {**assigned, "closed_by": "ana", "closed_severity": 2}
    variants: list[tuple[JsonObject, JsonObject]] = [
        *(({"severity": number, "status": "open"}, {}) for number in range(1, 6)),
        ({"kind": "blind", "status": "open"}, {}),
        ({"muted": True, "status": "update"}, {"desk": assigned}),
        ({"found_afterwards": True, "status": "close"}, {"desk": closed}),
    ]
    states: list[tuple[Alert, JsonObject]] = [(alert, {}) for alert in found]
    for number, (changes, desk) in enumerate(variants):
        states.append((msgspec.structs.replace(found[0], id=f"made-{number}", **changes), desk))
    for alert, desk in states:
        document = merged(alert, None)
        assert document is not None
        yield alert.id, {**document, **desk}


@pytest.fixture(scope="module")
def boards(engines: RunningEngines) -> Iterator[Boards]:
    settings = ElasticsearchSettings(url=engines.endpoints.elasticsearch, index_prefix=PREFIX)
    names = IndexNames(settings)
    with connect(settings) as client:
        setup_indices(client, settings, lambda line: None)
        operations = list(day().values())
        assert any(operation.deletes for operation in operations), "the day has no deletes"
        assert len(write(client, operations).written) == len(operations)
        client.indices.refresh(index=names.mentions_pattern)
        states = [alert.states[-1] for alert in alerts_of(settings, brands())]
        assert states, "the day has no crisis"
        assert {SPAN.since < state.began_at < SPAN.until for state in states} == {True}
        for id_, document in desk_documents(states):
            client.index(index=names.alerts, id=id_, document=document)
        for number, done in enumerate((None, SPAN.until.isoformat())):
            erasure = {"source": "file", "author_id": str(number), "version": 1, "done_at": done}
            erasure["erased_at"] = (START + timedelta(hours=2)).isoformat()
            client.index(index=names.erasures, id=str(number), document=erasure)
        for state in ("listening", "gap", "blind", "away"):
            record = {"id": state, "source": "bluesky", "state": state, "why": "silent", "lost": 3}
            record |= {"from": (START + timedelta(hours=3)).isoformat(), "told_by": "ingest"}
            record |= {"to": SPAN.until.isoformat(), "told_at": SPAN.until.isoformat()}
            client.index(index=names.coverage, id=state, document=record)
        client.indices.refresh(index=f"{PREFIX}*")
        yield Boards(client)


def empty_parts(aggregations: Any, path: str = "") -> Iterator[str]:
    """Aggregations that found nothing at all: no bucket, no document, no value."""
    for name, found in aggregations.items():
        where = f"{path}/{name}"
        if "buckets" in found:
            buckets = found["buckets"]
            listed = list(buckets.values()) if isinstance(buckets, dict) else buckets
            if not any(bucket["doc_count"] for bucket in listed):
                yield where
                continue
            inside = [
                {key: value for key, value in bucket.items() if isinstance(value, dict)}
                for bucket in listed
            ]
            # A metric may miss in one bucket, and must not in all.
            missing = [set(empty_parts(each, where)) for each in inside]
            yield from sorted(set.intersection(*missing))
        elif "value" in found:
            if found["value"] in (None, 0):
                yield where
        elif not found["doc_count"]:
            yield where
        else:
            inner_parts = {key: value for key, value in found.items() if isinstance(value, dict)}
            yield from empty_parts(inner_parts, where)


@pytest.mark.parametrize("panel", lens_panels(), ids=lambda panel: panel.name)
def test_every_panel_finds_something(boards: Boards, panel: LensPanel) -> None:
    for request in panel_requests(panel, SPAN):
        answer = boards.ask(request)
        assert answer["hits"]["total"]["value"] > 0
        assert list(empty_parts(answer.get("aggregations", {}))) == []


@pytest.mark.parametrize("saved", of_type("search"), ids=lambda saved: str(saved["id"]))
def test_every_session_finds_something_in_its_order(boards: Boards, saved: JsonObject) -> None:
    answer = boards.ask(session_request(saved, SPAN))
    hits = answer["hits"]["hits"]
    assert hits and list(empty_parts(answer["aggregations"])) == []
    known = [hit["sort"][0] for hit in hits if hit["sort"][0] > 0]
    assert known == sorted(known, reverse=True)
    shown = {field for hit in hits for field in hit["fields"]}
    assert shown <= set(saved["attributes"]["columns"])
    assert len(shown) > len(saved["attributes"]["columns"]) / 2, "most columns are empty"


def controls() -> list[tuple[str, DataView]]:
    found = []
    for board in of_type("dashboard"):
        stored = json.loads(board["attributes"]["controlGroupInput"]["panelsJSON"])
        for id_, control in stored.items():
            _, view = references(board)[f"controlGroup_{id_}:optionsListDataView"]
            found.append((control["explicitInput"]["fieldName"], BY_VIEW[view]))
    return list({(field, view.id): (field, view) for field, view in found}.values())


@pytest.mark.parametrize(("field", "view"), controls(), ids=str)
def test_every_control_lists_values(boards: Boards, field: str, view: DataView) -> None:
    answer = boards.ask(control_request(field, view, SPAN))
    assert answer["aggregations"]["suggestions"]["buckets"]
    assert answer["aggregations"]["count"]["value"] > 0


def test_the_figures_are_those_of_a_count_over_the_documents(boards: Boards) -> None:
    """Share of voice and sentiment, counted by hand."""
    documents = [
        msgspec.json.decode(operation.document)
        for operation in day().values()
        if operation.kind == "upsert"
    ]
    panels = {panel.name: panel for panel in lens_panels()}
    (voice,) = panel_requests(panels["tocsin-analysts:voice"], SPAN)
    counted: dict[str, int] = {}
    for document in documents:
        for brand in document.get("brands", ()):
            counted[brand] = counted.get(brand, 0) + 1
    buckets = boards.ask(voice)["aggregations"]["top"]["buckets"]
    assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == counted
    (negative,) = panel_requests(panels["tocsin-analysts:negative"], SPAN)
    found = boards.ask(negative)["aggregations"]["count-bucket"]["doc_count"]
    assert found == sum(
        document.get("sentiment", {}).get("label") == "negative" for document in documents
    )


def test_the_alias_hides_what_is_deleted_and_the_view_of_deletions_shows_it(
    boards: Boards,
) -> None:
    (mentions,) = panel_requests(
        next(panel for panel in lens_panels() if panel.name == "tocsin-ops:mentions"), SPAN
    )
    operations = day().values()
    alive = sum(operation.kind == "upsert" for operation in operations)
    assert boards.ask(mentions)["hits"]["total"]["value"] == alive
    saved = next(each for each in of_type("search") if each["id"] == "tocsin-deleted")
    gone = boards.ask(session_request(saved, SPAN))["hits"]["total"]["value"]
    assert gone == len(operations) - alive
