"""A mix of faults by seed: the index is what the events say, as if nothing had happened."""

import random
from collections import Counter

import pytest

from runtime.settings import ElasticsearchSettings
from schemas.mention import MentionEvent
from sinks.elasticsearch.connection import connect
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.servers.elasticsearch import Failure, Fault, Items, Reset, Stall
from tests.sinks.elasticsearch.events import INDEX, delete, upsert
from tests.sinks.elasticsearch.sink_rig import SinkRig, send

POSTS = 120
SHARE = 0.3
KINDS = ("429", "503", "items", "reset", "stall")
MAX_BYTES = 2_000
"""The server answers 413 to larger requests, so no document alone is too large."""


def history(rng: random.Random) -> list[MentionEvent]:
    """States and deletes of posts, each post's in the order of its versions."""
    events: list[MentionEvent] = []
    for _ in range(600):
        id_ = f"file:{rng.randrange(POSTS)}"
        version = len(events) + 1
        gone = rng.random() < 0.1
        text = f"Velmora is slow, {version}"
        events.append(delete(id_, version) if gone else upsert(id_, version, text=text))
    return events


def oracle(events: list[MentionEvent]) -> dict[str, str]:
    """The text of each post that lives in the end."""
    last = {event.id: event for event in events}
    return {
        id_: event.mention.post.text for id_, event in last.items() if hasattr(event, "mention")
    }


def faults(rng: random.Random) -> tuple[list[Fault | None], Counter[str]]:
    script: list[Fault | None] = []
    planned: Counter[str] = Counter()
    for number in range(4_000):
        if rng.random() >= SHARE:
            script.append(None)
            continue
        # One stall is enough: each costs the deadline of a request.
        kind = "stall" if number >= 20 and not planned["stall"] else rng.choice(KINDS[:-1])
        planned[kind] += 1
        script.append(_fault(kind, rng))
    return script, planned


def _fault(kind: str, rng: random.Random) -> Fault:
    if kind == "items":
        some = rng.sample(range(POSTS), POSTS // 2)
        answers = [(429, "es_rejected_execution_exception"), (500, "some_exception")]
        return Items({f"file:{number}": rng.choice(answers) for number in some})
    if kind in ("reset", "stall"):
        return Reset() if kind == "reset" else Stall()
    return Failure(int(kind))


@pytest.mark.parametrize("seed", [1])
def test_the_index_is_right_though_three_in_ten_requests_fail(server: Server, seed: int) -> None:
    rng = random.Random(seed)
    events, (script, _) = history(rng), faults(rng)
    server.faults = script  # type: ignore[assignment]
    server.max_bytes = MAX_BYTES
    kafka = FakeKafka()
    send(kafka, events)
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=1)) as client:
        rig = SinkRig(kafka, server, client, batch_size=10)
        rig.run_until_committed()
    fired = Counter(server.answered_faults)
    assert {"Failure", "Items", "Reset", "Stall"} <= fired.keys()
    assert server.too_large > 0
    assert server.faults, "no request without a script"
    living = {
        id_: document["text"]
        for id_, document in server.sources(INDEX).items()
        if "text" in document
    }
    assert living == oracle(events)
    assert rig.letters() == []
