"""S12: authors are erased in mid-stream while the sink dies at each step of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from runtime.kafka.dead_letters import encode_dead_letter
from runtime.settings import SinkSettings
from schemas.alert import Carrier, Evidence, ShownPost
from schemas.dead_letter import DeadLetter
from schemas.ids import author_hash
from tests import make
from tests.chaos.ledger import SOURCE, START, Sent, Shares, compare_versions, expected
from tests.chaos.scenario import Run
from tests.chaos.scenarios.test_kills import RATE, crash
from tests.engines.pipeline import BROKEN_SOCKETS

pytestmark = [BROKEN_SOCKETS]
STEPS = ("sink_erasure_remembered", "sink_erased", "sink_written", "consumer_handled")
LONG_AFTER_S = (SinkSettings().tombstone_days + 1) * 86_400.0
"""Past the life of a tombstone."""


def posts_of(sent: list[Sent], author: str) -> list[Sent]:
    return [m for m in sent if m.author == author and m.event is not None and m.kind == "upsert"]


def alert_about(post: Sent) -> Any:
    """An alert whose evidence shows a post and its author."""
    assert post.event is not None
    mark, now = author_hash(SOURCE, post.author), datetime.now(UTC)
    evidence = Evidence(
        carriers=[Carrier(author=mark, mentions=9)],
        shown=[ShownPost(id=post.event.id, role="first", at=START, author=mark)],
    )
    return make.alert(1, "open", brand="velmora", evidence=evidence, raised_at=now, began_at=now)


@pytest.mark.chaos(
    "S12", "authors are erased while the sink dies, and nothing brings them back", ci=True
)
def test_an_erased_author_is_nowhere_and_stays_away(run: Run) -> None:
    pipeline = run.pipeline
    feeder = run.feeder(Shares(erase=0.01, delete=0.02, noise=0.1), authors=40)
    _, sink = pipeline.both()
    alerts = pipeline.alerts()
    first = list(feeder.ledger.events(200))
    feeder.send(first)
    shown = next(m for m in first if m.kind == "upsert" and m.brand == "velmora")
    pipeline.send("alerts", [alert_about(shown)])
    feeder.start(RATE)
    for visit, step in enumerate(STEPS, start=1):
        crash(run, sink, step, visit, "sink-elasticsearch")
    run.healed()
    feeder.finish()
    # The author of the post in the alert goes last, and one more who wrote into many partitions.
    written = feeder.ledger.sent
    many = max({m.author for m in written if m.author}, key=lambda a: len(posts_of(written, a)))
    last = [make.erase(author, feeder.ledger.version, SOURCE) for author in {shown.author, many}]
    pipeline.send("posts", last)
    run.nemesis.fired["erasure"] += len(last) + sum(m.kind == "erase_author" for m in written)
    erased = {event.author_id: event.version for event in last}
    wanted = expected(written, erased)
    pipeline.drain(len(written) + len(last))
    pipeline.wait("the alert", lambda: pipeline.committed("sink-alerts-index") >= 1)
    run.recovered()
    run.row.events = len(written) + len(last)
    run.count(compare(run, wanted.versions))
    nobody_is_left(run, wanted.erased)

    # Kafka has nothing of it any more, and the tombstones are purged: an old letter is replayed.
    clock = run.nemesis.clock("sink")
    sink.stop()
    clock.step(LONG_AFTER_S)
    sink.environment = {**sink.environment, **clock.environment}
    sink.start()
    pipeline.wait("the purge", lambda: "old tombstones are deleted" in sink.output())
    replay_old_letters(run, [posts_of(written, many)[0], posts_of(written, shown.author)[0]])
    pipeline.drain(len(written) + len(last) + 2)
    nobody_is_left(run, wanted.erased)
    assert alerts.process.poll() is None


def compare(run: Run, wanted: dict[str, int]) -> Any:
    run.pipeline.sweep()

    def versions() -> dict[str, int]:
        return {id_: found["_version"] for id_, found in run.pipeline.documents().items()}

    def equal() -> bool:
        difference = compare_versions(wanted, versions())
        return not (difference.lost or difference.doubled)

    try:
        run.pipeline.wait("the erasures", equal, patience_s=60)
    except AssertionError:
        return compare_versions(wanted, versions())
    return compare_versions(wanted, versions())


def nobody_is_left(run: Run, authors: set[str]) -> None:
    """No index but the list of erasures names an erased author, nor shows one by a hash."""
    left = {author: run.pipeline.holders_of(author) for author in sorted(authors)}
    left = {author: holders for author, holders in left.items() if holders}
    run.row.doubled += len(left)
    assert not left, f"erased authors are still in {json.dumps(left)[:500]}"


def replay_old_letters(run: Run, posts: list[Sent]) -> None:
    """Letters that were written before the erasure, replayed long after it."""
    letters = [
        DeadLetter(
            service="process",
            reason="enrich_failed",
            detail="an annotator failed, and is mended",
            payload=post.value,
            at=START,
            key=post.key,
            topic=run.pipeline.kafka.topic_prefix + "posts",
            partition=0,
            offset=number,
        )
        for number, post in enumerate(posts)
    ]
    run.pipeline.produce(
        "dead-letters",
        [(letter.key, encode_dead_letter(letter)) for letter in letters],
    )
    replayed = run.pipeline.tocsin("dead-letters", "replay")
    assert replayed.returncode == 0, replayed.stderr
    run.nemesis.fired["old letter replayed"] += len(posts)
