"""``tocsin erase``: erases an author everywhere, and proves it."""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.clock import utc_now
from tocsin.cli.confirm import YesOption, confirm
from tocsin.cli.output import counted, json_result, say, write_rows

if TYPE_CHECKING:
    from schemas.errors import ServiceUnavailable
    from sinks.elasticsearch.erasure import Erasure
    from tocsin.checkup.erasure_certificate import Finding, Needles, Place
    from tocsin.checkup.erasure_search import Limits


def erase(
    source: Annotated[str, typer.Argument(help="The platform, such as bluesky.")],
    author_id: Annotated[str, typer.Argument(help="The author's id there.")],
    check: Annotated[
        bool, typer.Option("--check", help="Erase nothing: search every place, print what is left.")
    ] = False,
    yes: YesOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many posts it would erase.")
    ] = False,
    index_only: Annotated[
        bool, typer.Option("--index-only", help="Do not tell or search Kafka.")
    ] = False,
    name: Annotated[
        list[str] | None,
        typer.Option(help="With --check: a handle, post id or URL to look for; may be repeated."),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(help="With --check: another file or folder to search; may be repeated."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --check: print the certificate as JSON.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, help="With --check: most documents or messages of one place.")
    ] = 10_000_000,
    seconds: Annotated[
        float, typer.Option(min=1, help="With --check: most seconds for one place.")
    ] = 3_600,
) -> None:
    """Erase all that an author wrote, in every place, or check what is left of it.

    It asks first, or needs --yes where nobody can answer. You can repeat it. The exit status is 1
    if an index did not take all of it (the sink finishes it), and with --check if anything is left
    beyond its stated time, or could not be read.

    Example: `tocsin erase bluesky did:plc:abc123`
    """
    if check:
        _check(source, author_id, name or [], files or [], as_json, limit, seconds, index_only)
        return
    from runtime.settings import ElasticsearchSettings, load
    from schemas.ids import microseconds
    from sinks.elasticsearch import erasure
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.indices.mappings import IndexNames

    settings = load(ElasticsearchSettings)
    names = IndexNames(settings)
    with connect(settings) as client, elasticsearch_errors(settings):
        found = erasure.count(client, names, source, author_id)
        if dry_run:
            say(f"{_matched(found)}; nothing is erased")
            return
        confirm(f"{_matched(found)}: erase what {author_id} of {source} wrote, for good?", yes)
        # A person may take minutes to answer, and the author goes on writing.
        now = utc_now()
        author = erasure.Erasure(source, author_id, microseconds(now))
        # From now on the sink writes no post of the author, and finishes what ends here.
        erasure.remember(client, names, author, now)
        unheard = None if index_only else _announce(author)
        incomplete = ""
        try:
            alerts = erasure.redact_unlisted(client, names, author)
            erased = erasure.carry_out(client, names, author, now, utc_now())
        except erasure.ErasureIncomplete as error:
            incomplete = str(error)
    if unheard is not None:
        raise unheard
    if incomplete:
        say(f"not all is erased yet ({incomplete}); the sink finishes it, or repeat the command")
        sys.exit(1)
    # The sink hears of it too, and may be the one that erases: what was there is gone all the same.
    say(f"{counted(max(erased, found), 'post')} erased")
    if alerts:
        say(f"{counted(alerts, 'alert')} redacted")
    write_rows(_rows(_places()), ("place", "holds", "gone"))


def _announce(author: "Erasure") -> "ServiceUnavailable | None":
    """Write the erasure to the stream, so that every service hears it.

    Returns why Kafka does not take it: the index is erased all the same.
    """
    from runtime.kafka.client import publish
    from runtime.kafka.protocols import OutgoingRecord
    from runtime.settings import KafkaSettings, load
    from schemas.codec import POST_EVENT
    from schemas.errors import ServiceUnavailable
    from schemas.ids import EPOCH, post_id
    from schemas.post import PostErasure

    settings = load(KafkaSettings)
    event = PostErasure(
        id=post_id(author.source, author.author_id),
        source=author.source,
        version=author.version,
        ingested_at=EPOCH + timedelta(microseconds=author.version),
        author_id=author.author_id,
    )
    record = OutgoingRecord(
        settings.topic_prefix + "posts", event.id.encode(), POST_EVENT.encode(event)
    )
    try:
        publish(settings, "erase", [record], "the erasure")
    except ServiceUnavailable as error:
        return error
    return None


def _places() -> "list[Place]":
    from runtime.settings import SinkSettings, load
    from schemas.topic_registry import topics
    from tocsin.checkup.erasure_certificate import Kept, places

    sink = load(SinkSettings)
    kept = Kept(sink.tombstone_days, sink.snapshot_days, sink.expunge_hours)
    return places(topics(), kept)


def _rows(places: "Sequence[Place]") -> Iterator[tuple[str, str, str]]:
    return ((place.name, place.holds, place.gone) for place in places)


def _check(
    source: str,
    author_id: str,
    names_of_author: list[str],
    files: list[Path],
    as_json: bool,
    limit: int,
    seconds: float,
    index_only: bool,
) -> None:
    from tocsin.checkup.erasure_certificate import Needles, is_proven
    from tocsin.checkup.erasure_search import Limits

    needles = Needles(source, author_id, names_of_author)
    limits = Limits(limit, seconds)
    found = list(_findings(source, author_id, names_of_author, limits, not index_only))
    found.append(_local_files(needles, files))
    if as_json:
        json_result(json.dumps(_certificate(source, author_id, needles.hash, found), indent=2))
    else:
        columns = ("place", "looked_at", "hits", "gone_by", "verdict", "note")
        write_rows(found, columns)
    proven = is_proven(found)
    say(
        "nothing is left beyond its time"
        if proven
        else "the erasure is not proven: see the places that are 'left' or 'not read'"
    )
    sys.exit(0 if proven else 1)


def _certificate(
    source: str, author_id: str, hash_: str, found: "Sequence[Finding]"
) -> dict[str, object]:
    from tocsin.checkup.erasure_certificate import is_proven

    return {
        "source": source,
        "author_id": author_id,
        "author_hash": hash_,
        "at": utc_now().isoformat(),
        "proven": is_proven(found),
        "places": [
            {**each._asdict(), "gone_by": each.gone_by and each.gone_by.isoformat()}
            for each in found
        ],
        "elsewhere": [
            {"place": place.name, "holds": place.holds, "gone": place.gone}
            for place in _places()
            if place.kept is None
        ],
    }


def _findings(
    source: str, author_id: str, others: list[str], limits: "Limits", kafka: bool
) -> "Iterator[Finding]":
    """The places in their order; what the topics of posts tell is looked for everywhere else."""
    from runtime.settings import ElasticsearchSettings, KafkaSettings, load
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.indices.mappings import IndexNames
    from tocsin.checkup.erasure_certificate import MAX_NAMES, Finding, Needles
    from tocsin.checkup.erasure_search import Search, search_indices, search_topic

    settings, now = load(ElasticsearchSettings), utc_now()
    places = {place.name: place for place in _places()}
    topics = [name.removeprefix("topic ") for name in places if name.startswith("topic ")]
    search, known = Search(Needles(source, author_id, others), now, limits, say), set[str]()
    # 'posts' and 'mentions' come first, and have the posts themselves.
    for topic in topics if kafka else ():
        place = places[f"topic {topic}"]
        yield search_topic(load(KafkaSettings), topic, place, search, known)
        more = [*others, *sorted(known)[:MAX_NAMES]]
        search = search._replace(needles=Needles(source, author_id, more))
    if len(known) > MAX_NAMES:
        note = f"only {MAX_NAMES} of {len(known)} ids, URLs and handles were looked for elsewhere"
        yield Finding("names", len(known), 0, None, "not read", note)
    with connect(settings) as client, elasticsearch_errors(settings):
        names = IndexNames(settings)
        yield from search_indices(client, names, places, search)


def _local_files(needles: "Needles", files: list[Path]) -> "Finding":
    from runtime.settings import ProcessSettings, load
    from tocsin.checkup.erasure_search import search_files
    from tocsin.local.state_file import HOME

    data_dir = load(ProcessSettings).data_dir
    return search_files([HOME, *([data_dir] if data_dir else []), *files], needles, utc_now())


def _matched(count: int) -> str:
    return f"{count:,} {'post matches' if count == 1 else 'posts match'}"
