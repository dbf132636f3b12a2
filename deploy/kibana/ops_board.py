"""The operators' dashboard: what the indices say of sources, tiers, deletions and erasures.

Lag, dead letters and latency are metrics: Grafana has them.
"""

from typing import Final

from deploy.kibana.analyst_board import CONTROLS, bars
from deploy.kibana.board import Board, Drilldown, Link, Panel, Row
from deploy.kibana.data_views import (
    COVERAGE,
    DELETIONS,
    ERASURES,
    INDEX_FIELD,
    MENTIONS,
    DataView,
)
from deploy.kibana.lens_charts import Axes, Source, figure, series, shares, table
from deploy.kibana.lens_columns import count, distinct, greatest, mean, over_time, top, total
from queries.elasticsearch.kibana_link import ANALYST_BOARD, CRISIS_BOARD, OPS_BOARD

_TO_ANALYSTS: Final = Drilldown(ANALYST_BOARD, "What does this source say?")


def _about(title: str, description: str, kql: str = "", view: DataView = MENTIONS) -> Source:
    # Controls filter by fields of mentions.
    return Source(title, description, view, kql, everything=view is not MENTIONS)


_FIGURES: Final = Row(
    6,
    (
        Panel(
            "mentions",
            12,
            figure(
                _about("Mentions", "In the read alias."),
                count("Mentions"),
                greatest("ingested_at", "last read", id_="last"),
            ),
        ),
        Panel(
            "odd",
            12,
            figure(
                _about("Corrected posts", "Dates that were not believable, and texts cut."),
                count("Implausible dates", "claimed_at: *"),
                count("cut", "truncated: true", "cut"),
            ),
        ),
        Panel(
            "deletions",
            12,
            figure(
                _about("Deletions", "Of posts in the index, and of others.", view=DELETIONS),
                count("Deleted posts", "id: *"),
                count("not in the index", "key: *", "strangers"),
            ),
        ),
        Panel(
            "erasures",
            12,
            figure(
                _about("Erasures", "Requests to erase an author.", view=ERASURES),
                count("Under way", "not done_at: *"),
                count("done", "done_at: *", "done"),
            ),
        ),
    ),
)
_SOURCES: Final = Row(
    15,
    (
        Panel(
            "flow",
            30,
            series(
                _about(
                    "Mentions by the time at which they were read",
                    "By source. A step without one in the event time is a replay or a gap.",
                ),
                over_time("ingested_at", "Read at"),
                [count("Mentions")],
                top("source", "Source", 10, "count", "split"),
            ),
            _TO_ANALYSTS,
        ),
        Panel(
            "sources",
            18,
            table(
                _about("Sources", "How much each gave, and when last."),
                [top("source", "Source", 50, "count")],
                [
                    count("Mentions"),
                    distinct("author.id", "Authors"),
                    greatest("created_at", "Newest post", id_="newest"),
                    greatest("ingested_at", "Last read", id_="last"),
                ],
            ),
            _TO_ANALYSTS,
        ),
    ),
)
_COVERAGE: Final = Row(
    13,
    (
        Panel(
            "unheard",
            30,
            series(
                _about(
                    "When sources were not heard",
                    "Intervals that began, by state: late and away may still come, gaps are lost.",
                    "not state: listening",
                    COVERAGE,
                ),
                over_time("from", "From"),
                [count("Intervals")],
                top("state", "State", 5, "count", "split"),
            ),
        ),
        Panel(
            "coverage",
            18,
            table(
                _about(
                    "Coverage by source", "And how many posts are known to be lost.", view=COVERAGE
                ),
                [top("source", "Source", 50, "count")],
                [
                    count("Intervals"),
                    count("Gaps", "state: gap", "gaps"),
                    total("lost", "Posts lost", "lost: *", "lost"),
                    count("Silent", "state: blind", "blind"),
                    greatest("told_at", "Last told", id_="last"),
                ],
            ),
        ),
    ),
)
_MODELS: Final = Row(
    13,
    (
        Panel(
            "tiers",
            24,
            series(
                _about(
                    "Tiers",
                    "Which models read the mentions: fast alone while the processors lag.",
                ),
                over_time("enriched_at", "Processed at"),
                [count("Mentions")],
                top("tier", "Tier", 2, "count", "split"),
                Axes("bar_percentage_stacked"),
            ),
        ),
        Panel(
            "languages",
            24,
            table(
                _about("Languages", "And how sure the detection is; und: unsure."),
                [top("language", "Language", 50, "count")],
                [
                    count("Mentions"),
                    mean("language_confidence", "Mean confidence"),
                    count("without sentiment", "not sentiment.label: *", "unread"),
                ],
            ),
        ),
    ),
)
_STORAGE: Final = Row(
    13,
    (
        Panel(
            "months",
            16,
            bars(
                _about("Months", "Mentions by index, as months of the event time.", "id: *"),
                INDEX_FIELD,
                "Index",
                24,
            ),
        ),
        Panel(
            "kinds",
            16,
            shares(
                _about("Kinds", "Originals, replies, reposts and quotes."),
                top("kind", "Kind", 4, "count"),
                count("Mentions"),
            ),
        ),
        Panel(
            "deleted-by-source",
            16,
            series(
                _about("Deletions by source", "By the time of the deletion.", view=DELETIONS),
                over_time("deleted_at"),
                [count("Deletions")],
                top("source", "Source", 10, "count", "split"),
            ),
        ),
    ),
)

OPS: Final = Board(
    OPS_BOARD,
    "Tocsin: operations",
    "For operators: what arrived, from where, read by which models, what was deleted and erased.",
    "now-24h",
    MENTIONS,
    CONTROLS,
    (Link(ANALYST_BOARD, "What is said", True), Link(CRISIS_BOARD, "Crisis desk", False)),
    (
        _FIGURES,
        _SOURCES,
        _COVERAGE,
        _MODELS,
        _STORAGE,
    ),
)
