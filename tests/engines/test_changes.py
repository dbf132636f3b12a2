"""Edits, deletes, erased authors, changed brands and replayed dead letters, end to end."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import zstandard

from runtime.kafka.dead_letters import encode_dead_letter
from schemas.alert import Carrier, Evidence, ShownPost
from schemas.codec import DETECTOR_STATE, POST_EVENT
from schemas.dead_letter import DeadLetter
from schemas.detector_state import DetectorSnapshot
from schemas.ids import author_hash
from schemas.post import PostEvent
from schemas.topic_registry import CODECS
from tests import make
from tests.engines.pipeline import FAST, Pipeline
from tocsin.checkup.erasure_certificate import Needles

pytestmark = pytest.mark.engines

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VOLTA = make.brand("volta", names=["Air Volta"], handles=["airvolta"])
CORVO = make.brand("corvo")


def upsert(number: int, text: str, *, author: str = "a1", source: str = "forum") -> PostEvent:
    post = make.post(text, id=f"{source}:{number}", author=author, created_at=NOW)
    return make.upsert(post, 1, NOW)


def edit(number: int, text: str) -> PostEvent:
    post = make.post(text, id=f"forum:{number}", author="a1", created_at=NOW, edited_at=NOW)
    return make.upsert(post, 2, NOW)


def delete(number: int, *, dated: bool) -> PostEvent:
    return make.delete(f"forum:{number}", 2, NOW if dated else None)


def send(pipeline: Pipeline, *events: PostEvent) -> None:
    written = pipeline.meter.look().written["posts"]
    pipeline.send("posts", events)
    pipeline.wait_until_idle(written + len(events))


def test_edits_and_deletes_in_any_order(pipeline: Pipeline) -> None:
    pipeline.listen([VOLTA])
    send(
        pipeline,
        upsert(1, "Air Volta is late"),
        edit(1, "Air Volta is very late"),
        upsert(1, "Air Volta is late"),  # an old state, redelivered
        upsert(2, "Air Volta lost my bag"),
        edit(2, "never mind"),  # no longer names the brand
        upsert(3, "j'adore Air Volta"),
        delete(3, dated=True),
        upsert(3, "j'adore Air Volta"),  # a replay must not bring it back
        upsert(4, "#AirVolta @airvolta"),
        upsert(5, "AIR VOLTA again"),
        delete(6, dated=False),  # was never indexed
    )
    send(pipeline, delete(4, dated=False))  # must be looked up
    documents = pipeline.documents()
    assert documents.keys() == {"forum:1", "forum:5"}
    assert documents["forum:1"]["text"] == "Air Volta is very late"
    assert documents["forum:1"]["_version"] == 2
    tombstones = pipeline.documents(tombstones=True)
    for deleted in ("forum:2", "forum:3", "forum:4"):
        assert tombstones[deleted].keys() == {"id", "source", "version", "deleted_at", "_version"}
    assert pipeline.dead_letters() == []


def test_an_erased_author_is_gone_with_every_post(pipeline: Pipeline) -> None:
    pipeline.listen([VOLTA])
    send(
        pipeline,
        *(upsert(n, f"Air Volta {n}", author="gone") for n in range(20)),
        *(upsert(n, f"Air Volta {n}", author="stays") for n in range(20, 30)),
        *(upsert(n, f"Air Volta {n}", author="gone", source="other") for n in range(30, 33)),
    )
    assert len(pipeline.documents()) == 33
    send(pipeline, make.erase("gone", 5, "forum"))
    assert pipeline.documents().keys() == {
        *(f"forum:{n}" for n in range(20, 30)),
        *(f"other:{n}" for n in range(30, 33)),
    }
    pipeline.client.indices.refresh(index=pipeline.names.erasures)
    assert pipeline.client.count(index=pipeline.names.erasures)["count"] == 1


def test_an_erasure_is_proven_in_every_place(pipeline: Pipeline) -> None:
    did = "did:plc:zzzzzzzzzzzzzzzzzzzzzzzz"
    post = make.post(
        "Air Volta is awful",
        id=f"bluesky:{did}/3kabcdefghi2a",
        author=did,
        url=f"https://bsky.app/profile/{did}/post/3kabcdefghi2a",
        created_at=NOW,
    )
    hash_ = author_hash("bluesky", did)
    evidence = Evidence(
        shown=[ShownPost(id=post.id, role="first", at=NOW, url=post.url, author=hash_)],
        carriers=[Carrier(author=hash_, mentions=1, url=post.url)],
    )
    state = DetectorSnapshot(
        brand="volta",
        partition=0,
        offset=0,
        saved_at=NOW,
        format=0,
        state=zstandard.compress(post.id.encode() * 20),
    )
    letter = DeadLetter(
        service="process",
        reason="enrich_failed",
        detail="KeyError",
        payload=POST_EVENT.encode(make.upsert(post, 1, NOW)),
        at=NOW,
    )
    pipeline.listen([VOLTA])
    pipeline.start("alerts", "sink", "alerts")
    pipeline.produce("dead-letters", [(b"k", encode_dead_letter(letter))])
    pipeline.produce("detector-state", [(b"volta", DETECTOR_STATE.encode(state))])
    send(pipeline, make.upsert(post, 1, NOW), upsert(1, "Air Volta"))
    raised = make.alert(1, brand="volta", evidence=evidence)
    pipeline.send("alerts", [raised])
    alerts = pipeline.names.alerts

    def stored(version: int) -> bool:
        pipeline.client.indices.refresh(index=alerts)
        hits = pipeline.search(index=alerts)["hits"]["hits"]
        return any(hit["_source"]["version"] == version for hit in hits)

    pipeline.wait("the alert", lambda: stored(1))
    before = json.loads(pipeline.tocsin("erase", "--check", "--json", "bluesky", did).stdout)
    left = {each["place"] for each in before["places"] if each["verdict"] == "left"}
    assert left == {"index mentions", "index alerts"} and not before["proven"]

    erased = pipeline.tocsin("erase", "bluesky", did, "--yes")
    assert erased.returncode == 0, erased.stderr
    assert "1 post erased" in erased.stderr and "1 alert redacted" in erased.stderr
    # A later state of the alert, and the post once more, from where they still are.
    pipeline.send("alerts", [make.alert(2, brand="volta", evidence=evidence)])
    send(pipeline, make.upsert(post, 1, NOW))
    pipeline.wait("the later state", lambda: stored(2))
    assert pipeline.documents().keys() == {"forum:1"}

    checked = pipeline.tocsin("erase", "--check", "--json", "bluesky", did)
    certificate = json.loads(checked.stdout)
    found = {each["place"]: (each["hits"] > 0, each["verdict"]) for each in certificate["places"]}
    for index in (alerts, pipeline.names.removals, pipeline.names.mentions):
        pipeline.client.indices.refresh(index=f"{index}*")
        text = str(pipeline.search(index=index)["hits"]["hits"])
        assert did not in text and hash_ not in text
    assert found["index mentions"] == found["index alerts"] == (False, "clean")
    assert found["tombstones"] == found["index erasures"] == (True, "in time")
    named = [name for name in found if name.startswith("topic ")]
    # Brands and the coverage of sources hold nothing of an author.
    assert len(named) == len(CODECS) - 2
    for name in named:
        raw = pipeline.read(name.removeprefix("topic "))
        needles = Needles("bluesky", did)
        assert found[name][0] == any(
            needles.count(part) for record in raw for part in (record.key, record.value) if part
        )
        assert found[name][1] == ("in time" if found[name][0] else "clean")
    assert found["topic dead-letters"][0] and found["topic detector-state"][0]
    assert (checked.returncode, certificate["proven"]) == (0, True), checked.stderr


def test_running_processors_take_a_change_of_brands(pipeline: Pipeline) -> None:
    process = pipeline.listen([VOLTA])
    send(pipeline, upsert(1, "Corvo and Air Volta"))
    assert pipeline.documents()["forum:1"]["brands"] == ["volta"]
    pipeline.apply([VOLTA, CORVO])
    pipeline.wait("the new brand", lambda: "count=2" in process.output())
    send(pipeline, upsert(2, "Corvo and Air Volta"))
    assert pipeline.documents()["forum:2"]["brands"] == ["corvo", "volta"]
    pipeline.apply([CORVO])
    pipeline.wait("the old brand to go", lambda: process.output().count("count=1") == 2)
    send(pipeline, upsert(3, "Corvo and Air Volta"))
    assert pipeline.documents()["forum:3"]["brands"] == ["corvo"]
    assert process.process.poll() is None


def test_running_processors_take_a_changed_query_and_no_broken_one(pipeline: Pipeline) -> None:
    file = pipeline.folder / "brands.yaml"

    def write(query: str) -> None:
        file.write_text(f"brands: [{{id: corvo, name: Corvo, query: '{query}'}}]", "utf-8")

    write("(corvo OR #corvo) NEAR/3 panne")
    assert pipeline.tocsin("brands", "diff", str(file)).returncode == 1
    assert pipeline.tocsin("brands", "apply", str(file)).returncode == 0
    assert pipeline.tocsin("brands", "diff", str(file)).returncode == 0
    row = json.loads(pipeline.tocsin("brands", "list", "--format", "jsonl").stdout)
    assert row["id"] == "corvo"
    age = datetime.now(UTC) - datetime.fromisoformat(row["published_at"])
    assert timedelta(minutes=-1) < age < timedelta(minutes=10)
    process = pipeline.process()
    pipeline.sink()
    send(pipeline, upsert(1, "panne chez #Corvo"), upsert(2, "Corvo: tout marche"))
    assert pipeline.documents().keys() == {"forum:1"}

    write("corvo AND (panne")
    refused = pipeline.tocsin("brands", "apply", str(file))
    assert refused.returncode == 2
    assert "this parenthesis is never closed" in refused.stderr
    send(pipeline, upsert(3, "Corvo en panne"), upsert(4, "Corvo"))
    assert pipeline.documents().keys() == {"forum:1", "forum:3"}

    # Sent without the command: the processor logs it and keeps its last query.
    pipeline.send("brands", [make.brand("corvo", query="corvo AND (panne")])
    pipeline.wait("the refusal", lambda: "its last state stays" in process.output())
    send(pipeline, upsert(5, "Corvo en panne"), upsert(6, "Corvo"))
    assert pipeline.documents().keys() == {"forum:1", "forum:3", "forum:5"}

    write("corvo AND NOT panne AND lang:fr")
    assert pipeline.tocsin("brands", "apply", str(file)).returncode == 0
    pipeline.wait("the new query", lambda: process.output().count("count=1") == 3)
    send(
        pipeline,
        upsert(7, "Corvo en panne"),
        upsert(8, "Bonjour, je suis client de Corvo depuis dix ans et tout va bien"),
        upsert(9, "Hello, I have been with Corvo for ten years and all is well"),
    )
    assert pipeline.documents().keys() == {"forum:1", "forum:3", "forum:5", "forum:8"}


def test_the_processor_is_a_plain_faust_app_too(pipeline: Pipeline) -> None:
    pipeline.apply([VOLTA])
    arguments = ("-A", "processors.enrichment.app", "worker", "-l", "warn")
    worker = pipeline.start("faust", *arguments, module="faust", **FAST)
    pipeline.sink()
    send(pipeline, upsert(1, "Air Volta"))
    assert pipeline.documents().keys() == {"forum:1"}
    assert worker.stop() == 0


def test_a_processor_without_brands_holds_back_and_loses_nothing(pipeline: Pipeline) -> None:
    process = pipeline.process()
    pipeline.sink()
    pipeline.send("posts", [upsert(1, "Air Volta before there were brands")])
    pipeline.wait("the processor to be up", lambda: "count=0" in process.output())
    assert pipeline.meter.look().lag["posts"] == 1
    pipeline.apply([VOLTA])
    pipeline.wait_until_idle(1)
    assert pipeline.documents().keys() == {"forum:1"}


def test_dead_letters_are_listed_shown_and_replayed(pipeline: Pipeline) -> None:
    pipeline.listen([VOLTA])
    send(pipeline, upsert(1, "Air Volta"))
    # As if an annotator had failed on it, which has since been fixed.
    letter = DeadLetter(
        service="process",
        reason="enrich_failed",
        detail="KeyError: 'fixed since'",
        payload=POST_EVENT.encode(upsert(2, "Air Volta, given up once")),
        at=NOW,
        key=b"forum:2",
        topic=pipeline.kafka.topic_prefix + "posts",
        partition=0,
        offset=7,
    )
    pipeline.produce("dead-letters", [(b"forum:2", encode_dead_letter(letter))])

    listed = pipeline.tocsin("dead-letters", "list")
    assert "enrich_failed" in listed.stdout
    assert "1 dead letter (1 enrich_failed" in listed.stderr
    name = json.loads(pipeline.tocsin("dead-letters", "list", "--format", "jsonl").stdout)["id"]
    assert "given up once" in pipeline.tocsin("dead-letters", "show", name).stdout
    assert "1 replayed" in pipeline.tocsin("dead-letters", "replay", name, "--also-old").stderr
    pipeline.wait_until_idle(2)
    assert pipeline.documents().keys() == {"forum:1", "forum:2"}


def test_doctor_finds_everything_well_and_says_what_is_not(pipeline: Pipeline) -> None:
    sick = pipeline.tocsin("doctor")
    assert sick.returncode == 1
    assert "FAIL brands: none are published" in sick.stdout
    pipeline.apply([VOLTA])
    well = pipeline.tocsin("doctor")
    assert well.returncode == 0, well.stdout
    assert "FAIL" not in well.stdout
    for subject in ("kafka", "topics", "elasticsearch", "indices", "clocks", "models"):
        assert f"ok   {subject}: " in well.stdout
