"""``tocsin doctor``: checks everything that a deployment needs, and says what to do."""

import importlib.metadata
import sys
from collections.abc import Callable
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
    return f"all {len(topics())} exist"


def _elasticsearch() -> str:
    settings = load(ElasticsearchSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        # From the node: a minimal server does not answer at its root.
        nodes = client.nodes.info(node_id="_local", metric="_none")["nodes"]
        server = str(next(iter(nodes.values()))["version"])
        health = client.cluster.health()["status"]
    ours = importlib.metadata.version("elasticsearch")
    if server.partition(".")[0] != ours.partition(".")[0]:
        raise TocsinError(
            f"the server is {server} and the client {ours}; their major versions must be equal, "
            f"so install elasticsearch<{int(server.partition('.')[0]) + 1}"
        )
    if health == "red":
        raise TocsinError(f"{server} answers, but its health is red; see its logs")
    return f"{server}, health {health}, at {settings.url}"


def _indices() -> str:
    settings = load(ElasticsearchSettings)
    with connect(settings) as client:
        check(client, settings)
    return "templates have the current version"


def _clock() -> str:
    settings = load(ElasticsearchSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        stats: Any = client.nodes.stats(node_id="_local", metric="os")
    node = next(iter(stats["nodes"].values()))
    there = datetime.fromtimestamp(node["timestamp"] / 1000, tz=utc_now().tzinfo)
    skew = abs((utc_now() - there).total_seconds())
    if skew > _MAX_SKEW_S:
        raise TocsinError(
            f"this clock and Elasticsearch's differ by {skew:.0f} s, so dates and latencies are "
            "wrong; run NTP on both"
        )
    return "this clock and Elasticsearch's agree"


def _models() -> str:
    from brands.brand_matcher import BrandMatcher
    from processors.enrichment.annotator_table import build_enricher

    build_enricher(load(ProcessSettings), lambda: BrandMatcher(()))
    from processors.models.entity_model import EntityRecognizer

    missing = EntityRecognizer().missing(["fr", "en"])
    if missing:
        raise TocsinError(
            f"there is no spaCy pipeline for {', '.join(missing)}, so entities stay empty there; "
            "run pip install 'tocsin[models]', or python -m spacy download fr_core_news_sm"
        )
    return "language, sentiment and the spaCy pipelines for fr, en load"


def _brands() -> str:
    from brands.registry import current_brands

    brands = current_brands(load(KafkaSettings))
    if not brands:
        raise TocsinError(
            "none are published, so processors wait; run 'tocsin brands apply brands.yaml'"
        )
    return f"{len(brands)} published"


_CHECKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("settings", _settings),
    ("kafka", _kafka),
    ("topics", _topics),
    ("brands", _brands),
    ("elasticsearch", _elasticsearch),
    ("indices", _indices),
    ("clocks", _clock),
    ("models", _models),
)


def doctor() -> None:
    """Check settings, connections, versions, topics, brands, clocks and models, and say what to do.

    Example: `tocsin doctor`
    """
    failures = 0
    for subject, check_of in _CHECKS:
        try:
            result(f"ok   {subject}: {check_of()}")
        except TocsinError as error:
            failures += 1
            result(f"FAIL {subject}: {error}")
    if failures:
        sys.exit(1)
