"""S17: times that strangers write: decades ago, a day ahead, keys of another month, 143 months."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas.activity import Activity
from schemas.alert import Alert
from schemas.codec import ALERT, POST_EVENT
from schemas.post import PostEvent
from tests import make
from tests.chaos.ledger import BRANDS, Sent, compare_versions, expected
from tests.chaos.scenario import Run
from tests.engines import test_detector as detectors
from tests.engines.pipeline import BROKEN_SOCKETS

pytestmark = [BROKEN_SOCKETS]
MAX_INDICES = 150
"""Months from 2015 to now, with some room: a stranger's dates must not create an index each."""
DECADES = 30
TOLD_WITHIN = timedelta(minutes=15)


def hostile_posts(seed: int, count: int, now: datetime) -> list[Sent]:
    """Posts with times anywhere between ``DECADES`` ago and a day ahead; some come again, dated
    anew; some are deleted under another date."""
    dice = random.Random(seed)
    sent: list[Sent] = []

    def some_time() -> datetime:
        if dice.random() < 0.2:
            return now + timedelta(hours=24 * dice.random())
        return now - timedelta(days=365.25 * DECADES * dice.random() ** 2)

    def add(event: PostEvent, brand: str | None, author: str) -> None:
        sent.append(Sent(event.id.encode(), POST_EVENT.encode(event), event, brand, author))

    for number in range(count):
        id_, author = f"forum:{number}", f"author{number % 50}"
        brand = dice.choice(BRANDS).id
        text, version = f"{brand.title()} est en panne, {number}", 10 * number + 1
        post = make.post(text, id=id_, author=author, created_at=some_time())
        add(make.upsert(post, version, now), brand, author)
        if dice.random() < 0.2:
            again = msgspec.structs.replace(post, created_at=some_time(), edited_at=now)
            add(make.upsert(again, version + 1, now), brand, author)
        if dice.random() < 0.1:
            dated = dice.choice([None, some_time()])
            add(make.delete(id_, version + 2, dated), brand, author)
    return sent


@pytest.mark.chaos("S17-index", "posts dated decades back and a day ahead, and moved", ci=True)
def test_an_index_of_posts_with_hostile_dates(run: Run) -> None:
    pipeline, now = run.pipeline, datetime.now(UTC)
    sent = hostile_posts(run.options.seed, run.options.many(4_000, 1_500), now)
    pipeline.both()
    run.nemesis.fired["hostile date"] += len(sent)
    run.healed()
    pipeline.produce("posts", [(message.key, message.value) for message in sent])
    pipeline.drain(len(sent))
    run.recovered()
    run.row.events = len(sent)
    wanted = expected(sent)
    # An id in two indices fails here.
    found = {id_: document["_version"] for id_, document in pipeline.documents().items()}
    run.count(compare_versions(wanted.versions, found))
    assert pipeline.dead_letters() == []
    indices = pipeline.client.indices.get(index=pipeline.names.mentions_pattern)
    assert len(indices) <= MAX_INDICES, f"{len(indices)} indices"


def shifted(records: Sequence[Activity], end: datetime) -> list[Activity]:
    """The same records, the last of them at ``end``."""
    delta = end - records[-1].at
    return [
        msgspec.structs.replace(r, at=r.at + delta, ingested_at=r.ingested_at + delta)
        for r in records
    ]


def first_alert(alerts: Sequence[Alert], brand: str) -> Alert | None:
    """The first state of a brand's first crisis."""
    crises = [alert for alert in alerts if alert.brand == brand and alert.kind == "crisis"]
    return min(crises, key=lambda alert: (alert.raised_at, alert.version), default=None)


@pytest.mark.chaos("S17-detector", "one post dated ahead before a crisis", ci=True)
def test_a_crisis_after_a_post_that_is_dated_ahead(run: Run) -> None:
    """The crisis of every brand is told, as without that post, at most some minutes later."""
    pipeline, now = run.pipeline, datetime.now(UTC)
    records = shifted(detectors.EVERY, now - timedelta(minutes=5))
    _, raised = detectors.clean_run(records, detectors.BRANDS)
    first = {brand.id: first_alert(raised, brand.id) for brand in detectors.BRANDS}
    calm = len(records) // 2
    hostile = [
        msgspec.structs.replace(
            records[calm], post_id=f"x:ahead-{hours}", at=records[calm].at + timedelta(hours=hours)
        )
        for hours in (1, 12, 23.5)
    ]
    pipeline.apply(detectors.BRANDS)
    pipeline.role("detector")
    run.nemesis.fired["post dated ahead"] += len(hostile)
    pipeline.send("activity", [*records[:calm], *hostile])
    pipeline.wait("the first half", lambda: pipeline.committed("detector") > calm)
    run.healed()
    pipeline.send("activity", records[calm:])
    every = len(records) + len(hostile)
    pipeline.wait("the second half", lambda: pipeline.committed("detector") == every)
    run.recovered()
    run.row.events = every
    found = [ALERT.decode(record.value) for record in pipeline.read("alerts")]
    for brand, clean in first.items():
        alert = first_alert(found, brand)
        run.row.lost += alert is None
        assert clean is not None, "the clean run tells it"
        assert alert is not None, f"the crisis of {brand} was never told"
        assert alert.raised_at - clean.raised_at <= TOLD_WITHIN
