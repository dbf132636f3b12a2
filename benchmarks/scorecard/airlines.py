"""A real week: six US airlines in February 2015, through annotation and detection as on the stream.

The posts are ``stream/airline_us_2015``, in the fast tier. Crises have no ground truth: an
alert is compared with known events of that week and with the labelled complaints of its hour.
Without either, the page claims nothing.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.markdown import table
from brands.brand_matcher import BrandMatcher
from brands.brands_file import load_brands
from ingestors.files.source import ReplaySource
from processors.detector.backtest import BacktestAlert, backtest_alerts, replay
from processors.enrichment.annotator_table import build_enricher
from runtime.settings import ProcessSettings, load
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.post import PostEvent, PostUpsert

FILE: Final = "stream/airline_us_2015.jsonl.gz"
BRANDS: Final = Path(__file__).parents[2] / "tocsin" / "brands" / "airline_us_2015.yaml"
MAPPING: Final = "airline_us_2015"
BATCH: Final = 500
AROUND: Final = timedelta(minutes=30)
BEGINS: Final = 10
"""Minimum mentions per hour for a brand to be covered by the file."""
YOUNG: Final = timedelta(hours=6)


class Known(NamedTuple):
    """An event of that week, known from other sources than these posts."""

    brands: tuple[str, ...]
    first: datetime
    end: datetime
    what: str


def _utc(day: int, hour: int) -> datetime:
    return datetime(2015, 2, day, hour, tzinfo=UTC)


KNOWN: Final = (
    Known(
        ("southwest", "us-airways", "united"), _utc(16, 0), _utc(18, 0),
        "ice and snow in the South-East (16 and 17 February), flights cancelled",
    ),
    Known(
        ("united", "delta", "us-airways"), _utc(21, 12), _utc(23, 0),
        "snow from the Midwest to New England (21 and 22 February)",
    ),
    Known(
        ("american", "us-airways"), _utc(22, 12), _utc(24, 23),
        "American's mass cancellations (22 to 24 February), ice at Dallas; US Airways is its own",
    ),
    Known(
        ("southwest",), _utc(23, 0), _utc(23, 6),
        "no crisis: a game of the airline's on the night of the Academy Awards",
    ),
    Known(
        ("delta",), _utc(23, 18), _utc(24, 0),
        "JetBlue's own post “our fleet's on fleek”, widely mocked",
    ),
)  # fmt: skip
"""Intervals are wide, because the sources give no minutes."""


def events(path: Path) -> Iterator[PostEvent]:
    """The posts without the file's repetitions."""
    source = ReplaySource(str(path), mapping=MAPPING)
    source.open(None)
    seen: set[str] = set()
    finished = False
    while not finished:
        batch = source.next_batch()
        for event in batch.events:
            if event.id not in seen:
                seen.add(event.id)
                yield event
        finished = batch.finished
    source.close()


def records(posts: Sequence[PostEvent], brands: Sequence[Brand]) -> list[Activity]:
    """The records that the stream would send to ``activity``."""
    matcher = BrandMatcher(brands)
    settings = load(ProcessSettings).model_copy(update={"tier": "fast"})
    enricher = build_enricher(settings, lambda: matcher)
    found = []
    for first in range(0, len(posts), BATCH):
        batch = posts[first : first + BATCH]
        found += enricher.enrich(batch, batch[0].ingested_at).activity
    return found


def begins(found: Sequence[Activity]) -> dict[str, datetime]:
    """The first hour of each brand with enough mentions."""
    hours = Counter((one.brand, one.at.replace(minute=0, second=0, microsecond=0)) for one in found)
    first: dict[str, datetime] = {}
    for (brand, hour), count in sorted(hours.items(), key=lambda item: item[0][1]):
        if count >= BEGINS:
            first.setdefault(brand, hour)
    return first


def what_is_known(one: BacktestAlert, begun: datetime) -> str:
    """What other sources say about an alert."""
    known = [
        each.what
        for each in KNOWN
        if one.brand in each.brands and each.first <= one.opened_at < each.end
    ]
    if one.opened_at < begun + YOUNG:
        known.insert(0, "**the file only begins to have the brand here**")
    return "; ".join(known) or "no claim"


def _labelled(one: BacktestAlert, posts: Sequence[PostEvent], ids: set[str]) -> str:
    """Complaints labelled by people in the posts around the opening."""
    reasons = Counter(
        event.post.labels["reason"]
        for event in posts
        if isinstance(event, PostUpsert)
        and event.id in ids
        and "reason" in event.post.labels
        and abs(event.post.created_at - one.opened_at) <= AROUND
    )
    return ", ".join(f"{name} {count}" for name, count in reasons.most_common(2)) or "–"


def _row(
    one: BacktestAlert, names: dict[str, str], known: str, labelled: str
) -> tuple[str, str, str, str, str, str, str]:
    grades = [str(state.severity) for state in one.states if state.status != "close"]
    terms = [lift.term for state in one.states for lift in state.evidence.lifted]
    last = f"{one.closed_at:%d %H:%M}" if one.closed_at else "open"
    return (
        names[one.brand],
        f"{one.opened_at:%d %H:%M}–{last}",
        "→".join(grades),
        one.states[0].title.partition(": ")[2],
        ", ".join(list(dict.fromkeys(terms))[:5]) or "–",
        labelled,
        known,
    )


def section(data: Path) -> list[str]:
    title = ["## A real week: US airlines, 17 to 24 February 2015", ""]
    if not (data / FILE).is_file():
        return [*title, f"Left out: no `{FILE}` in the data.", ""]
    brands, posts = load_brands(BRANDS), list(events(data / FILE))
    found = records(posts, brands)
    told, begun = backtest_alerts(replay(found, brands)), begins(found)
    names = {brand.id: brand.name for brand in brands}
    ids: dict[str, set[str]] = {}
    for one in found:
        ids.setdefault(one.brand, set()).add(one.post_id)
    known = [what_is_known(one, begun[one.brand]) for one in told]
    rows = [
        _row(one, names, said, _labelled(one, posts, ids[one.brand]))
        for one, said in zip(told, known, strict=True)
    ]
    header = (
        *("airline", "alert (day and time, UTC)", "severity", "when it opened"),
        *("terms lifted", "complaints labelled, ± 30 min", "what is known"),
    )
    unclaimed = sum(said == "no claim" for said in known)
    return [
        *title,
        f"{len(posts):,} posts ({len(found):,} records), fast tier, default policy. The posts of "
        "“Delta” are to JetBlue, as in the source. The file is a sample that begins at different "
        "times: an alert there is one of collection. American's posts begin in the midst of its "
        "crisis, and nothing is learnt during an alert, so its later ones stand against an almost "
        "empty past. The texts were edited by a machine (“Late "
        "Flight” for late), so that some terms are odd. Nobody labelled crises, so no recall is "
        "claimed; the last column is what is known beside these posts, with no claim otherwise.",
        "",
        *table(header, rows),
        f"{len(told)} alerts in {len(brands) * 8} brand-days; {unclaimed} of them without a claim. "
        + _quiet(names, told),
        "",
    ]


def _quiet(names: dict[str, str], told: Sequence[BacktestAlert]) -> str:
    silent = [name for brand, name in names.items() if all(one.brand != brand for one in told)]
    return f"None for {', '.join(silent)}." if silent else "Each airline has one."
