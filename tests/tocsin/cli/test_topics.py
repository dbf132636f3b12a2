"""``tocsin topics list``: the cluster if it can be reached, else the registry."""

from runtime.kafka.topic_stats import TopicStats, is_reachable
from runtime.settings import KafkaSettings
from schemas.topic_registry import topics
from tests.servers.http import FakeHttp
from tests.tocsin.cli.commands import Commands
from tocsin.cli.topics import COLUMNS, kept_as, topic_rows

A_DAY = 86_400_000


def rows(stats: dict[str, TopicStats] | None) -> dict[str, dict[str, object]]:
    return {
        str(row[0]): dict(zip(COLUMNS, row, strict=True))
        for row in topic_rows(topics(), "t.", stats)
    }


def test_a_topic_is_as_the_cluster_has_it() -> None:
    found = TopicStats(12, records=70, size=2_500_000, retention_ms=A_DAY // 2)
    listed = rows({"posts": found, "brands": TopicStats(1, records=3, compacted=True)})
    posts, brands = listed["t.posts"], listed["t.brands"]
    assert (posts["state"], posts["partitions"], posts["records"]) == ("exists", 12, 70)
    assert (posts["size"], posts["bytes"], posts["kept"]) == ("2.5 MB", 2_500_000, "0.5 days")
    assert (brands["kept"], brands["size"]) == ("compacted", None)
    assert listed["t.mentions"]["state"] == "missing"
    assert {row["state"] for row in rows(None).values()} == {"unknown"}
    assert kept_as(None, compacted=False) == "for good"


def test_without_kafka_it_is_the_registry_and_says_so(tocsin: Commands) -> None:
    ran = tocsin("topics", "list")
    assert ran.status == 0
    assert ran.out.split()[:4] == ["topic", "partitions", "kept", "description"]
    assert "this is the registry, not the cluster" in ran.err


def test_a_server_that_takes_a_connection_is_reachable() -> None:
    with FakeHttp() as server:
        address = server.url.partition("//")[2]
        assert is_reachable(KafkaSettings(bootstrap_servers=f"127.0.0.1:9,{address}"))
    assert not is_reachable(KafkaSettings(bootstrap_servers="127.0.0.1:9,nowhere.invalid:x"))
