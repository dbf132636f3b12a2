"""The rules at X follow the brands."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from ingestors.source import SourceError
from ingestors.spool import Spool
from ingestors.x.rule_keeper import KeeperOptions, PublishedRules, RuleKeeper
from ingestors.x.rules import Rule
from runtime.settings import KafkaSettings
from schemas.brand import Brand
from schemas.errors import ConfigurationError, ServiceUnavailable
from tests.ingestors.reading import read_events, until
from tests.ingestors.x.x_feed import Open, ids, line_of, sent
from tests.servers.x_api import RULES, Answer, Step, XServer

A, B, C = (Rule(f'"{name}"', f"tocsin:{name}:1") for name in "abc")


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"tocsin_ingest_x_{name}", labels) or 0.0


class RulesAtX:
    """Holds what it was given, or refuses."""

    def __init__(self) -> None:
        self.held: list[Rule] = []
        self.asked = 0
        self.refusal: Exception | None = None

    def reconcile(self, wanted: Sequence[Rule], max_rules: int | None = None) -> None:
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal
        self.held = list(wanted)


class Rig:
    """A keeper on its own time, with the rules that brands want."""

    def __init__(self) -> None:
        self.wanted: Callable[[], Sequence[Rule]] = lambda: [A]
        self.now = 0.0
        self.at_x = RulesAtX()
        options = KeeperOptions(settle_s=5, retry_s=60)
        self.keeper = RuleKeeper(lambda: self.wanted(), options, lambda: self.now)
        self.keeper.make_current(self.at_x)
        self.follow(0)

    def follow(self, seconds: float) -> list[Rule]:
        self.now += seconds
        self.keeper.follow(self.at_x)
        return self.at_x.held


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_change_is_made_once_brands_are_quiet(rig: Rig) -> None:
    before = metric("rule_changes_total", outcome="changed")
    rig.wanted = lambda: [A, B]
    assert rig.follow(1) == [A]
    rig.wanted = lambda: [A, B, C]
    assert rig.follow(4.9) == [A]
    assert rig.follow(4.9) == [A]
    assert rig.follow(0.1) == [A, B, C]
    assert metric("rule_changes_total", outcome="changed") == before + 1
    assert metric("rules") == 3
    asked = rig.at_x.asked
    rig.follow(100)
    assert rig.at_x.asked == asked, "nothing has changed"


def test_a_refused_change_keeps_the_old_rules_and_is_loud(rig: Rig) -> None:
    before = metric("rule_changes_total", outcome="failed")
    rig.wanted = lambda: [B]
    rig.at_x.refusal = SourceError("RulesCapExceeded")
    rig.follow(0)
    assert rig.follow(5) == [A]
    assert metric("rules_outdated") == 1
    assert metric("rule_changes_total", outcome="failed") == before + 1
    rig.keeper.make_current(RulesAtX())  # a new connection meanwhile restores the old ones
    rig.at_x.refusal = None
    assert rig.follow(59) == [A]
    assert rig.follow(1) == [B]
    assert metric("rules_outdated") == 0


def _no_rule() -> Sequence[Rule]:
    raise ConfigurationError("brand b cannot be a rule of X")


@pytest.mark.parametrize("wanted", [_no_rule, list])
def test_brands_without_rules_change_nothing(
    rig: Rig, wanted: Callable[[], Sequence[Rule]]
) -> None:
    rig.wanted = wanted
    for _ in range(20):
        assert rig.follow(10) == [A]
    assert metric("rules_outdated") == 1
    assert rig.at_x.asked == 1
    rig.wanted = lambda: [A]
    rig.follow(1)
    assert metric("rules_outdated") == 0


def test_the_stream_goes_on_while_rules_change(server: XServer, open_source: Open) -> None:
    wanted = [A]
    source = open_source(
        server, rules=lambda: list(wanted), keeping=KeeperOptions(settle_s=0.02, poll_s=0.01)
    )
    server.wait_streams(1)
    wanted.append(B)
    until(source, lambda _: B.value in [rule["value"] for rule in server.rules])
    server.publish(line_of(0))
    assert [event.id for event in read_events(source, 1).events] == ids(0)
    assert server.streams == 1


def test_a_refusal_after_the_deletion_brings_the_old_rules_back(
    server: XServer, open_source: Open
) -> None:
    server.max_rules = 2
    wanted = [A]
    source = open_source(
        server, rules=lambda: list(wanted), keeping=KeeperOptions(settle_s=0.02, poll_s=0.01)
    )
    server.wait_streams(1)
    wanted[:] = [B, C, Rule('"d"', "tocsin:d:1")]
    until(source, lambda _: "too many rules" in server.fired)
    until(source, lambda _: A.value in [rule["value"] for rule in server.rules])
    assert metric("rules_outdated") == 1


def test_the_plan_is_held_against_the_rules_before_any_is_deleted(
    server: XServer, open_source: Open
) -> None:
    wanted = [A]
    keeping = KeeperOptions(settle_s=0.02, poll_s=0.01, max_rules=2)
    source = open_source(server, rules=lambda: list(wanted), keeping=keeping)
    server.wait_streams(1)
    asked = len(server.requests(RULES))
    wanted[:] = [B, C, Rule('"d"', "tocsin:d:1")]
    until(source, lambda _: len(server.requests(RULES)) > asked)
    until(source, lambda _: metric("rules_outdated") == 1)
    assert [rule["value"] for rule in server.rules if rule["tag"] == A.tag] == [A.value]
    assert {asked.method for asked in server.requests(RULES)[asked:]} == {"GET"}


class Registry:
    def __init__(self) -> None:
        self.published: Mapping[str, Brand] = {}
        self.fail: Callable[[Exception], None] = lambda _: None
        self.stopped = False

    def start(self, on_failure: Callable[[Exception], None]) -> None:
        self.fail = on_failure

    def stop(self) -> None:
        self.stopped = True

    def brands(self) -> Mapping[str, Brand]:
        return self.published


def test_published_rules_are_those_of_the_topic_once_it_is_read() -> None:
    registry = Registry()
    with PublishedRules(KafkaSettings(), [A], registry) as published:
        assert published.rules() == [A]
        registry.published = {"velmora": Brand(id="velmora", name="Velmora")}
        (rule,) = published.rules()
        assert rule.tag == "tocsin:velmora:1"
        registry.fail(RuntimeError("the broker is gone"))
        with pytest.raises(ServiceUnavailable, match="the broker is gone"):
            published.rules()
    assert registry.stopped


def test_what_kafka_did_not_acknowledge_is_sent_first_after_a_kill(
    server: XServer, open_source: Open, tmp_path: Path
) -> None:
    server.scripts = [[*map(sent, range(5)), Step.LIVE]]
    killed = open_source(server, spool=Spool(tmp_path, "x", 2**30))
    first = read_events(killed, 5)
    assert first.position is not None
    # Kafka has acknowledged nothing. The process is gone, and X does not send the posts again.
    server.scripts = [[sent(5), Step.LIVE]]
    again = open_source(server, spool=Spool(tmp_path, "x", 2**30))
    batch = read_events(again, 6)
    assert [event.id for event in batch.events] == ids(*range(6))
    assert list(batch.events[:5]) == list(first.events)
    assert batch.position is not None
    again.acknowledged(batch.position)
    assert list(tmp_path.iterdir()) == []


def test_a_rule_that_x_refuses_later_does_not_end_the_stream(
    server: XServer, open_source: Open
) -> None:
    server.scripts = [[sent(0), Step.END], [Answer(409)], [sent(1), Step.LIVE]]
    source = open_source(server)
    assert [event.id for event in read_events(source, 2).events] == ids(0, 1)
