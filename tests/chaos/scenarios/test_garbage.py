"""S8: one message in a hundred is poison, or every one: on each topic that a service reads."""

from collections.abc import Iterable, Mapping

import pytest
from kafka import KafkaProducer

from schemas.errors import BrakeTripped
from tests.chaos.gauges import GROUPS
from tests.chaos.ledger import BRANDS, Coordinate, Shares, compare_letters, compare_versions
from tests.chaos.ledger import expected as end_state
from tests.chaos.odd_messages import ODD, Odd, garbage, odd_posts
from tests.chaos.scenario import Run
from tests.chaos.scenarios.test_alert_kills import alert_states
from tests.engines.pipeline import BROKEN_SOCKETS, FAST, Child
from tests.engines.test_alerts import webhook
from tests.servers.http import FakeHttp

pytestmark = [BROKEN_SOCKETS]
COMPACTED = ("brands", "checkpoints", "alert-deliveries", "detector-state")
"""Topics that services read from the start; Kafka wants a key of each message."""
Places = dict[Coordinate, bytes]


def produce(run: Run, topic: str, messages: Iterable[Odd]) -> Places:
    """Sends messages one by one; returns where each is, with what its letter must hold."""
    places: Places = {}
    with run.pipeline.producer() as producer:
        for message in messages:
            placed = _send(producer, run.pipeline.kafka.topic_prefix + topic, message)
            places[placed] = message.value or b""
    return places


def _send(producer: KafkaProducer, topic: str, message: Odd) -> Coordinate:
    future = producer.send(
        topic, key=message.key, value=message.value, headers=list(message.headers)
    )
    placed = future.get(timeout=120)
    return Coordinate(placed.partition, placed.offset)


def all_committed(run: Run, groups: Mapping[str, str]) -> bool:
    written = run.pipeline.meter.look().written
    return all(run.pipeline.committed(group) >= written[topic] for group, topic in groups.items())


def letters_match(run: Run, topic: str, must: Places, may: Places) -> None:
    """Letters about a topic: of all that must be one, of what may be one, and of nothing else."""
    name = run.pipeline.kafka.topic_prefix + topic
    letters = [letter for letter in run.pipeline.dead_letters() if letter.topic == name]
    gone = {(letter.partition or 0, letter.offset or 0) for letter in letters}
    also = {place: value for place, value in may.items() if place in gone}
    run.count(compare_letters({**must, **also}, letters, name))


@pytest.mark.chaos("S8-some", "poison of every kind among good messages, on all topics", ci=True)
def test_some_poison_on_every_topic(run: Run) -> None:
    pipeline, feeder = run.pipeline, run.feeder(Shares(poison=0.01))
    groups = {**GROUPS, "sink-alerts-index": "alerts", "sink-alerts-desk": "alerts"}
    states = alert_states(10)
    with FakeHttp() as desk:
        children = [*pipeline.both(), pipeline.role("detector"), pipeline.alerts(webhook(desk))]
        feeder.send(feeder.ledger.events(1_000))
        odd = produce(run, "posts", odd_posts())
        feeder.poison |= produce(run, "posts", garbage())
        feeder.send(feeder.ledger.events(500))
        bad = {topic: produce(run, topic, garbage(topic)) for topic in ("mentions", "activity")}
        for topic in COMPACTED:
            produce(run, topic, [m for m in garbage(topic) if m.key])
        bad["alerts"] = {}
        for number, message in enumerate(garbage("alerts")):
            pipeline.send("alerts", states[number : number + 1])
            bad["alerts"] |= produce(run, "alerts", [message])
        run.nemesis.fired["poison"] += len(feeder.poison) + sum(map(len, bad.values()))
        run.nemesis.fired["odd post"] += len(odd)
        run.healed()
        pipeline.wait(
            "everything to be handled", lambda: all_committed(run, groups), patience_s=240
        )
        # What lies on the compacted topics must not keep a service from its start, either.
        for child in children:
            assert pipeline.metric(child, "tocsin_ready") == 1, f"{child.name} is not ready"
            run.nemesis.kill(child)
        for group in groups:
            run.nemesis.evict(group)
        for child in children:
            child.start()
        feeder.send(feeder.ledger.events(500))
        pipeline.wait("the rest to be handled", lambda: all_committed(run, groups), patience_s=240)
        run.recovered()
    run.row.events = len(feeder.ledger.sent) + run.nemesis.fired["poison"] + len(odd)
    letters_match(run, "posts", feeder.poison, odd)
    for topic, must in bad.items():
        letters_match(run, topic, must, {})
    pipeline.sweep()
    wanted = end_state(feeder.ledger.sent).versions
    pipeline.wait("the index", lambda: not compare_versions(wanted, own(run)).lost, patience_s=90)
    run.count(compare_versions(wanted, own(run)))


def own(run: Run) -> dict[str, int]:
    """The index without the odd posts, which may be in it."""
    documents = run.pipeline.documents().items()
    return {id_: found["_version"] for id_, found in documents if not id_.startswith(ODD)}


BRAKES = {"process": "PROCESS", "sink": "SINK", "detector": "DETECTOR"}


@pytest.mark.chaos(
    "S8-all", "nothing but poison: the brake trips, and a restart drains it", ci=True
)
@pytest.mark.parametrize("role", ["process", "sink", "detector"])
def test_nothing_but_poison(run: Run, role: str) -> None:
    pipeline, group = run.pipeline, {"sink": "sink-elasticsearch"}.get(role, role)
    topic = GROUPS[group]
    pipeline.apply(BRANDS)
    messages = [Odd(b"poison:%d" % n, b"garbage %d" % n) for n in range(2_000)]
    places = produce_fast(run, topic, messages)
    prefix = f"TOCSIN_{BRAKES[role]}"
    tight = {f"{prefix}_DEAD_LETTER_RUN": "200", f"{prefix}_BATCH_SIZE": "100"}
    child = pipeline.role(role, **{**FAST, **tight} if role == "process" else tight)
    pipeline.wait("the brake", lambda: ended(child, BrakeTripped.exit_status), dying=False)
    run.nemesis.fired["brake"] += 1
    letters = len(pipeline.dead_letters())
    assert 200 < letters < 2_000, "the brake saves most of the stream from dead-letters"
    # A person has looked, and lets it go on.
    child.environment = {
        **child.environment,
        f"{prefix}_DEAD_LETTER_RUN": "100000",
        f"{prefix}_DEAD_LETTER_SHARE": "1",
    }
    run.healed()
    child.start()
    pipeline.wait("the end", lambda: pipeline.committed(group) == len(messages))
    run.recovered()
    run.row.events = len(messages)
    letters_match(run, topic, places, {})


def ended(child: Child, status: int) -> bool:
    """Whether it has ended as it should; the wait itself fails on any other status."""
    return child.process.poll() == status


def produce_fast(run: Run, topic: str, messages: list[Odd]) -> Places:
    name = run.pipeline.kafka.topic_prefix + topic
    with run.pipeline.producer() as producer:
        sent = [(m, producer.send(name, key=m.key, value=m.value)) for m in messages]
        placed = [(message, future.get(timeout=120)) for message, future in sent]
    return {Coordinate(p.partition, p.offset): message.value or b"" for message, p in placed}
