"""``tocsin ingest``: services that read a platform and write to Kafka."""

import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from runtime.settings import IngestSettings, KafkaSettings, load
from schemas.errors import ConfigurationError, ServiceUnavailable
from tocsin.cli.moments import moment
from tocsin.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestors.source import Source
    from schemas.post import PostEvent

app = typer.Typer(
    no_args_is_help=True,
    help="Read posts from a source and write them to Kafka.",
)

_A_DAY_S = 86_400.0
_CLOSING_S = 2.0
"""After the drain, for the last flush, the connections and the last of the coverage."""
_COVERAGE_S = 0.8
_FINISHED_S = 5.0
"""For the last of the coverage of a source that came to its end: nobody waits for the process."""
PaceOption = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        help="Playback speed: 60 plays one minute per second. Unset plays without pauses.",
    ),
]

AfreshOption = Annotated[
    bool, typer.Option("--afresh", help="Start at the beginning and ignore the checkpoint.")
]


def run_source(source: "Source", settings: IngestSettings, afresh: bool = False) -> None:
    from ingestors.checkpoints import TOPIC as CHECKPOINTS
    from ingestors.checkpoints import load_checkpoint
    from ingestors.runner import Runner
    from runtime.coverage_outbox import CoverageOutbox
    from runtime.kafka import client as kafka
    from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
    from runtime.kafka.native_producer import NativeProducer
    from runtime.service import announce, service

    kafka_settings = load(KafkaSettings)
    within_s = settings.drain_timeout_s + _CLOSING_S
    # Unacknowledged posts may be gone from the platform: not an end in good order.
    late = ServiceUnavailable.exit_status
    with service("ingest", (IngestSettings,), within_s, late) as (health, stop):
        servers, topic = kafka_settings.bootstrap_servers, kafka_settings.topic_prefix + "posts"
        announce(health, reading=source.source_id, writing=f"{topic} of Kafka at {servers}")
        health.hinder("start", f"waiting for Kafka at {servers}")
        checkpoint, limits = None, {}
        if not afresh:
            # A checkpoint that Kafka may delete is a gap that nobody counts.
            kafka.check_topics(kafka_settings, ("posts", CHECKPOINTS, DEAD_LETTERS))
            checkpoint = load_checkpoint(kafka_settings, source.source_id)
        with contextlib.suppress(ServiceUnavailable):
            limits = kafka.message_limits(kafka_settings, ("posts", DEAD_LETTERS))
        # An absent broker holds the source back; posts that were read are not lost.
        producer = NativeProducer(kafka_settings, "ingest", delivery_timeout_s=_A_DAY_S)
        coverage = CoverageOutbox(kafka_settings, "ingest")
        coverage.start()
        runner = Runner(
            source,
            producer,
            topic_prefix=kafka_settings.topic_prefix,
            settings=settings,
            health=health,
            limits=limits,
            tell_coverage=coverage.put,
        )
        try:
            runner.run(stop, checkpoint)
        finally:
            kafka.close(producer, timeout_s=1)
            coverage.stop(_COVERAGE_S if stop.is_set() else _FINISHED_S)


@app.command("replay")
def replay(
    file: Annotated[
        str,
        typer.Argument(help="JSON lines, JSON, CSV, TSV or .xlsx, also .gz or .zst; - for stdin."),
    ],
    mapping: Annotated[
        str | None, typer.Option(help="The mapping of its fields: a YAML file, or a shipped one.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Its encoding, such as cp1252, if it is told wrongly.")
    ] = None,
    pace: PaceOption = None,
    redate: Annotated[
        Literal["start", "end"] | None,
        typer.Option(
            help="Shift all times: the first (start, with --pace 1) or last (end) post is now."
        ),
    ] = None,
    sort: Annotated[bool, typer.Option(help="Sort the file by time first.")] = False,
    source: Annotated[str, typer.Option(help="The source of posts without one.")] = "file",
    afresh: AfreshOption = False,
) -> None:
    """Replay a file of posts. A restart resumes where it stopped.

    The exit status is 1 if no line of the file is a post.

    Example: `tocsin ingest replay tweets.csv.gz --mapping my.yaml --redate end`
    """
    from ingestors.files.source import ReplaySource

    replayed = ReplaySource(
        file,
        mapping=mapping,
        encoding=encoding,
        pace=pace,
        redate=redate,
        sort=sort,
        default_source=source,
    )
    for note in replayed.check():
        say(note)
    run_source(replayed, load(IngestSettings), afresh)
    for line in replayed.summary():
        say(line)
    if replayed.read_nothing:
        sys.exit(1)


@app.command("generate")
def generate(
    posts: Annotated[int, typer.Option(min=1, help="Number of posts.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed generates the same day.")] = 1,
    start: Annotated[
        datetime | None, typer.Option(help="Start of the day (UTC); the default is near now.")
    ] = None,
    pace: PaceOption = None,
    afresh: AfreshOption = False,
) -> None:
    """Generate a day of posts about invented brands (docs/replay.md).

    Example: `tocsin ingest generate --posts 100000 --pace 600`
    """
    from ingestors.generator.source import GeneratorSource

    begins = None if start is None else start.replace(tzinfo=UTC)
    source = GeneratorSource(seed=seed, posts=posts, start=begins, pace=pace)
    run_source(source, load(IngestSettings), afresh)


@app.command("bluesky")
def bluesky() -> None:
    """Read all public posts of Bluesky from Jetstream, without a key.

    Example: `tocsin ingest bluesky`
    """
    from ingestors.bluesky.source import BlueskySource, JetstreamOptions

    settings = load(IngestSettings)
    run_source(BlueskySource(JetstreamOptions.of(settings)), settings)


@app.command("reconcile")
def reconcile(
    since: Annotated[
        str | None, typer.Option("--from", help="Check posts from this day or time on.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Check posts before it.")] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Send what is gone to Kafka; else only count.")
    ] = False,
    max_gone: Annotated[
        float, typer.Option(min=0, max=1, help="Stop if more than this share seems to be gone.")
    ] = 0.2,
    per_second: Annotated[float, typer.Option(min=0.1, max=50, help="Calls a second.")] = 5.0,
) -> None:
    """Find posts of the index that are gone from Bluesky: deletes that fell into a gap.

    It asks Bluesky's public API for every indexed post of the time, and only counts unless --send
    is given. If it is interrupted, it says where to go on.

    Example: `tocsin ingest reconcile --from 2026-03-01 --to 2026-03-08 --send`
    """
    from ingestors.bluesky.public_api import PublicApi
    from ingestors.bluesky.reconciliation import Findings
    from runtime.clock import utc_now
    from runtime.kafka.client import publish
    from runtime.kafka.protocols import OutgoingRecord
    from runtime.settings import ElasticsearchSettings
    from schemas.codec import POST_EVENT
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.indices.mappings import IndexNames
    from tocsin.offline.reconcile import indexed_posts, reconcile_index

    settings, elastic = load(IngestSettings), load(ElasticsearchSettings)
    kafka_settings = load(KafkaSettings)
    api = PublicApi(settings.bluesky_api_url, settings.bluesky_relay_url, per_second=per_second)

    def deliver(events: "Sequence[PostEvent]") -> None:
        topic = kafka_settings.topic_prefix + "posts"
        records = [
            OutgoingRecord(topic, event.id.encode(), POST_EVENT.encode(event)) for event in events
        ]
        publish(kafka_settings, "reconcile", records, "the deletes")

    findings = Findings()
    try:
        with connect(elastic) as client, elasticsearch_errors(elastic):
            posts = indexed_posts(
                client, IndexNames(elastic), moment(since, "--from"), moment(until, "--to")
            )
            deliver_or_none = deliver if send else None
            reconcile_index(posts, api, utc_now, findings, send=deliver_or_none, max_gone=max_gone)
    except BaseException:
        if findings.last is not None:
            say(f"go on with --from {findings.last.isoformat()}")
        raise
    finally:
        verb = "sent" if send else "found, nothing sent"
        say(
            f"{findings.checked} posts checked; {findings.deleted} deletes and {findings.erased} "
            f"erasures {verb}; {findings.kept} posts of paused accounts kept"
        )


@app.command("x")
def x(
    brands: Annotated[
        Path | None, typer.Option(help="A brands file; the default is the published brands.")
    ] = None,
) -> None:
    """Read X's filtered stream. It replaces the rules on X by rules for the brands.

    The rules follow the published brands; those of a file are read once.

    Example: `TOCSIN_INGEST_X_BEARER_TOKEN_FILE=token tocsin ingest x`
    """
    from brands.brands_file import load_brands
    from brands.registry import current_brands, decoded_brands
    from ingestors.spool import Spool
    from ingestors.x.rule_keeper import KeeperOptions, PublishedRules
    from ingestors.x.rules import compiled, rules_for
    from ingestors.x.source import XSource, checked_token
    from ingestors.x.stream import XOptions

    settings = load(IngestSettings)
    checked_token(settings.x_bearer_token)  # before the notes on the rules
    if brands:
        wanted = load_brands(brands)
    else:
        wanted = list(decoded_brands(current_brands(load(KafkaSettings))).values())
    if not wanted:
        raise ConfigurationError("there are no brands; run 'tocsin brands apply brands.yaml' first")
    rules = rules_for(wanted)
    for brand in wanted:
        for note in compiled(brand).lost:
            say(f"{brand.id}: X may not send all of {note.clause}: {note.how}, {note.why}")
    options = XOptions(
        url=settings.x_url,
        backfill_minutes=settings.x_backfill_minutes,
        keep_alive_timeout_s=settings.x_keep_alive_timeout_s,
        keeping=KeeperOptions(settle_s=settings.x_rules_settle_s, max_rules=settings.x_max_rules),
    )
    spool = None
    if settings.spool_dir is not None:
        spool = Spool(settings.spool_dir, "x", settings.spool_max_bytes)
    if brands:
        run_source(XSource(settings.x_bearer_token, rules, options, spool=spool), settings)
        return
    with PublishedRules(load(KafkaSettings), rules) as published:
        source = XSource(settings.x_bearer_token, published.rules, options, spool=spool)
        run_source(source, settings)
