"""Alerts on real engines: each state reaches the index and a webhook once, also after kills, and
keeps what people did."""

import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from schemas.alert import Alert
from sinks.alerts.channels.webhook import HEADER, IDEMPOTENCY, verify
from tests import make
from tests.engines.pipeline import BROKEN_SOCKETS, Child, Pipeline
from tests.servers.http import Answer, FakeHttp, Received
from tests.servers.smtp import SmtpServer

pytestmark = [pytest.mark.engines, BROKEN_SOCKETS]
SECRET = "correct-horse-battery"
BRANDS = 10
STATES = 20


def state(brand: str, version: int, **changed: Any) -> Alert:
    status = "open" if version == 1 else "close" if version == STATES else "update"
    now = datetime.now(UTC)
    fields = {"severity": 1 + version % 5, "began_at": now - timedelta(minutes=10)}
    return make.alert(version, status, brand=brand, **{**fields, "raised_at": now, **changed})


def start(pipeline: Pipeline, *channels: dict[str, Any]) -> Child:
    """The sink with these channels; their secret is in a file in the same folder."""
    (pipeline.folder / "secret").write_text(SECRET)
    path = pipeline.folder / "channels.yaml"
    path.write_text(json.dumps({"channels": channels}))
    return pipeline.start(
        *("alerts", "sink", "alerts"),
        TOCSIN_ALERTS_CHANNELS=str(path),
        TOCSIN_ALERTS_ALLOW_PRIVATE="true",
        TOCSIN_ALERTS_RETRY_FIRST_S="0.1",
        TOCSIN_ALERTS_RETRY_MAX_S="0.5",
    )


def webhook(desk: FakeHttp, name: str = "desk") -> dict[str, Any]:
    return {"name": name, "kind": "webhook", "url": f"{desk.url}/hook", "secret_file": "secret"}


def delivered(desk: FakeHttp) -> list[tuple[str, int]]:
    bodies = [json.loads(request.body)["alert"] for request in desk.taken]
    return [(body["id"], body["version"]) for body in bodies]


def indexed(pipeline: Pipeline) -> dict[str, Any]:
    pipeline.client.indices.refresh(index=pipeline.names.alerts)
    hits = pipeline.search(index=pipeline.names.alerts, size=100)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def complete(pipeline: Pipeline, brands: list[str]) -> bool:
    """Whether the index has every state of every brand's alert."""
    alerts = indexed(pipeline)
    versions = {id_: [state["version"] for state in alerts[id_]["states"]] for id_ in alerts}
    return all(versions.get(f"{brand}-1") == list(range(1, STATES + 1)) for brand in brands)


def has_more_than(desk: FakeHttp, count: int) -> bool:
    return len(desk.taken) > count


def slowly(request: Received) -> Answer:
    time.sleep(0.02)
    return Answer()


def test_every_state_arrives_once_also_after_kills(pipeline: Pipeline) -> None:
    brands = [f"b{number}" for number in range(BRANDS)]
    wanted = {(f"{brand}-1", version) for brand in brands for version in range(1, STATES + 1)}
    with FakeHttp(decide=slowly) as desk:
        child = start(pipeline, webhook(desk))
        pipeline.send("alerts", (state(b, v) for v in range(1, STATES + 1) for b in brands))
        for count in (len(wanted) // 3, len(wanted) // 2):
            pipeline.wait("some deliveries", partial(has_more_than, desk, count))
            child.kill()
            assert len(desk.taken) < len(wanted), "the kill came too late to be in mid-stream"
            child.start()
        pipeline.wait("every delivery", lambda: set(delivered(desk)) == wanted)
        pipeline.wait("every state in the index", lambda: complete(pipeline, brands))
        counts = Counter(delivered(desk))
        # A kill after the answer and before its record repeats that one state, under its key.
        assert sum(count - 1 for count in counts.values()) <= 2
        keys = {request.headers[IDEMPOTENCY] for request in desk.taken}
        assert len(keys) == len(wanted)
        for brand in brands:
            versions = [version for id_, version in delivered(desk) if id_ == f"{brand}-1"]
            assert versions == sorted(versions), "an older state came after a newer one"
        for request in desk.taken:
            assert verify(SECRET, request.headers[HEADER], request.body)

        # A replay: the index and the desk have every state already.
        before = len(desk.received)
        pipeline.send("alerts", (state(b, v) for b in brands for v in range(1, STATES + 1)))
        pipeline.send("alerts", [state("last", 1)])
        pipeline.wait("the last one", lambda: ("last-1", 1) in delivered(desk))
        assert child.stop() == 0
        assert len(desk.received) == before + 1
    assert pipeline.dead_letters() == []
    assert SECRET not in child.output()


def test_a_dead_channel_delays_no_other_and_loses_nothing(pipeline: Pipeline) -> None:
    open_again = threading.Event()

    def away(request: Received) -> Answer:
        return Answer() if open_again.is_set() else Answer(503)

    with FakeHttp(decide=away) as dead, FakeHttp() as desk, SmtpServer() as smtp:
        mail = {
            "name": "mail",
            "kind": "email",
            "from": "tocsin@desk.test",
            "to": ["ana@desk.test"],
        }
        mail |= {"host": "127.0.0.1", "port": smtp.port, "security": "none"}
        child = start(pipeline, webhook(dead, "dead"), webhook(desk), mail)
        pipeline.send("alerts", (state("velmora", version) for version in range(1, 6)))
        pipeline.wait("the living", lambda: len(desk.taken) == 5 and len(smtp.mails) == 5)
        assert dead.taken == []
        assert child.stop() == 0
        child.start()
        open_again.set()
        pipeline.wait("the dead one", lambda: len(dead.taken) == 5)
        assert [version for _, version in delivered(dead)] == [1, 2, 3, 4, 5]
        assert child.stop() == 0
        assert (len(desk.taken), len(smtp.mails)) == (5, 5)


def test_what_people_did_stays(pipeline: Pipeline) -> None:
    def status_of(*arguments: str) -> int:
        return pipeline.tocsin("alerts", *arguments).returncode

    child = start(pipeline)
    pipeline.send("alerts", [state("velmora", 1, severity=3)])
    pipeline.wait("the alert", lambda: "velmora-1" in indexed(pipeline))
    assert status_of("ack", "velmora-1", "--by", "ana") == 0
    assert status_of("ack", "velmora-1", "--by", "ben") == 1
    assert status_of("note", "velmora-1", "in Nantes", "--by", "ben") == 0
    pipeline.send("alerts", [state("velmora", 2, severity=5)])
    pipeline.wait("the update", lambda: indexed(pipeline)["velmora-1"]["version"] == 2)
    assert status_of("assign", "velmora-1", "ben", "--by", "ana") == 0
    document = indexed(pipeline)["velmora-1"]
    assert document["severity"] == 5
    history = [action["did"] for action in document["desk"]["history"]]
    assert history == ["acknowledged", "noted", "assigned"]
    listed = pipeline.tocsin("alerts", "list", "--status", "acknowledged", "--format", "jsonl")
    assert listed.returncode == 0
    row = json.loads(listed.stdout)
    assert (row["id"], row["status"], row["severity"]) == ("velmora-1", "acknowledged", 5)
    shown = pipeline.tocsin("alerts", "show", "velmora-1", "--in-language", "fr")
    assert shown.returncode == 0
    assert "Prise en compte par\u00a0: ana" in shown.stdout
    assert status_of("show", "absent") == 2
    assert child.stop() == 0
