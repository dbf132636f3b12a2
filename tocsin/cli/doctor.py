"""``tocsin doctor``: looks at everything a deployment needs, and says what to do."""

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runtime.clock import utc_now
from runtime.kafka import client as kafka
from runtime.settings import GROUPS, ElasticsearchSettings, KafkaSettings, ProcessSettings, load
from schemas.errors import TocsinError
from schemas.topic_registry import topics
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from sinks.elasticsearch.setup import check
from tocsin.cli.output import result

_MAX_SKEW_S = 5.0


@dataclass(frozen=True)
class Finding:
    """What one look came to."""

    subject: str
    good: bool
    text: str


def _settings() -> str:
    for group in GROUPS:
        load(group)
    return "every setting is valid"


def _kafka() -> str:
    settings = load(KafkaSettings)
    with kafka.admin(settings) as client:
        cluster = client.describe_cluster()
    return f"{len(cluster['brokers'])} broker(s) at {settings.bootstrap_servers}"


def _topics() -> str:
    settings = load(KafkaSettings)
    with kafka.admin(settings) as client:
        present = set(client.list_topics())
    missing = [name for name in topics() if settings.topic_prefix + name not in present]
    if missing:
        raise TocsinError(f"missing: {', '.join(missing)}; run 'tocsin topics setup'")
    return f"all {len(topics())} are there"


def _elasticsearch() -> str:
    settings = load(ElasticsearchSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        # Asked of the node: a minimal server does not answer at its root.
        nodes = client.nodes.info(node_id="_local", metric="_none")["nodes"]
        server = str(next(iter(nodes.values()))["version"])
        health = client.cluster.health()["status"]
    ours = importlib.metadata.version("elasticsearch")
    if server.partition(".")[0] != ours.partition(".")[0]:
        raise TocsinError(
            f"the server is {server} and our client {ours}; their major versions must be the same, "
            f"so install elasticsearch<{int(server.partition('.')[0]) + 1}"
        )
    if health == "red":
        raise TocsinError(f"{server} answers, but its health is red; look at its own logs")
    return f"{server}, health {health}, at {settings.url}"


def _indices() -> str:
    settings = load(ElasticsearchSettings)
    with connect(settings) as client:
        check(client, settings)
    return "templates are at our version"


def _clock() -> str:
    settings = load(ElasticsearchSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        stats: Any = client.nodes.stats(node_id="_local", metric="os")
    node = next(iter(stats["nodes"].values()))
    there = datetime.fromtimestamp(node["timestamp"] / 1000, tz=utc_now().tzinfo)
    skew = abs((utc_now() - there).total_seconds())
    if skew > _MAX_SKEW_S:
        raise TocsinError(
            f"ours and Elasticsearch's differ by {skew:.0f} s; run NTP on both, latencies and "
            "dates are wrong until then"
        )
    return "ours and Elasticsearch's agree"


def _models() -> str:
    from brands.brand_matcher import BrandMatcher
    from processors.enrichment.annotator_table import build_enricher

    build_enricher(load(ProcessSettings), lambda: BrandMatcher(()))
    from processors.models.entity_model import EntityRecognizer

    missing = EntityRecognizer().missing(["fr", "en"])
    if missing:
        raise TocsinError(
            f"no spaCy pipeline for {', '.join(missing)}; pip install 'tocsin[models]', or "
            "'python -m spacy download fr_core_news_sm' and the like; entities stay empty there"
        )
    return "language, sentiment and the spaCy pipelines for fr, en load"


def _brands() -> str:
    from brands.registry import current_brands

    brands = current_brands(load(KafkaSettings))
    if not brands:
        raise TocsinError(
            "none are published, so processors hold back; run 'tocsin brands apply brands.yaml'"
        )
    return f"{len(brands)} published"


_LOOKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("settings", _settings),
    ("kafka", _kafka),
    ("topics", _topics),
    ("brands", _brands),
    ("elasticsearch", _elasticsearch),
    ("indices", _indices),
    ("clocks", _clock),
    ("models", _models),
)


def examine() -> Iterator[Finding]:
    """Look at one thing after the other; a fault in one does not hide the next."""
    for subject, look in _LOOKS:
        try:
            yield Finding(subject, True, look())
        except TocsinError as error:
            yield Finding(subject, False, str(error))


def doctor() -> None:
    """Check connections, versions, topics, mappings, clocks and models; say what to do.

    Example: `tocsin doctor`
    """
    bad = 0
    for finding in examine():
        bad += not finding.good
        result(f"{'ok  ' if finding.good else 'FAIL'} {finding.subject}: {finding.text}")
    if bad:
        sys.exit(1)
