"""The crisis desk's dashboard: which alerts are open, how bad they are, and what carries them.

Its controls are fields of alerts, which mentions do not have: the panels on mentions show all
brands.
"""

from typing import Final

from deploy.kibana.analyst_board import NEGATIVE
from deploy.kibana.board import Board, Control, Drilldown, Link, Panel, Row
from deploy.kibana.data_views import ALERTS, MENTIONS
from deploy.kibana.discover_sessions import OPEN_ALERTS
from deploy.kibana.lens_charts import Axes, Source, figure, series, table
from deploy.kibana.lens_columns import count, distinct, greatest, over_time, top, total
from queries.elasticsearch.kibana_link import ANALYST_BOARD, CRISIS_BOARD, OPS_BOARD

SEVERITIES: Final = {1: "#f2d06b", 2: "#f0a63c", 3: "#e5702e", 4: "#cf3a2c", 5: "#8c1230"}
"""Severity to the colour that it has in back-tests too."""
OPEN: Final = "not status: close"
_TO_ANALYSTS: Final = Drilldown(ANALYST_BOARD, "What is said about it?")
_COUNTED: Final = "author.handle: *"
"""Posts whose author has a name to show."""


def _alerts(title: str, description: str, kql: str = "") -> Source:
    return Source(title, description, ALERTS, kql)


def _mentions(title: str, description: str, kql: str = "") -> Source:
    return Source(title, description, MENTIONS, kql, everything=True)


_FIGURES: Final = Row(
    6,
    (
        Panel(
            "open",
            12,
            figure(
                _alerts("Open alerts", "Crises that are not closed.", "kind: crisis"),
                count("Open", OPEN),
                count("in all", id_="all"),
            ),
        ),
        Panel(
            "severe",
            12,
            figure(
                _alerts("Severe", "Open crises of severity 4 or 5.", "kind: crisis"),
                count("Severity 4 or 5", f"{OPEN} and severity >= 4"),
                greatest("severity", "highest of all"),
            ),
        ),
        Panel(
            "waiting",
            12,
            figure(
                _alerts("Nobody took them", "Open crises without an acknowledgement."),
                count("Unacknowledged", f"kind: crisis and {OPEN} and not desk.acknowledged_by: *"),
                count("muted", f"{OPEN} and muted: true", "muted"),
            ),
        ),
        Panel(
            "blind",
            12,
            figure(
                _alerts("Blind", "Sources that were silent: few mentions may mean no data."),
                count("Blind now", f"kind: blind and {OPEN}"),
                count("found afterwards", "found_afterwards: true", "late"),
            ),
        ),
    ),
)
_ALERTS: Final = Row(
    14,
    (
        Panel(
            "severity",
            24,
            series(
                _alerts("Alerts by severity", "By the time at which the shift began."),
                over_time("began_at"),
                [
                    count(f"Severity {number}", f"severity: {number}", f"severity-{number}")
                    for number in SEVERITIES
                ],
                axes=Axes(
                    colours={f"severity-{number}": colour for number, colour in SEVERITIES.items()}
                ),
            ),
        ),
        Panel(
            "brands",
            24,
            table(
                _alerts("Alerts by brand", "How often, how bad, and when last."),
                [top("brand", "Brand", 50, "count")],
                [
                    count("Alerts"),
                    count("Open", OPEN, "open"),
                    greatest("severity", "Highest severity"),
                    greatest("began_at", "Last began", id_="last"),
                ],
            ),
        ),
    ),
)
_DESK: Final = Row(
    12,
    (
        Panel(
            "assignees",
            24,
            table(
                _alerts("Who works on what", "Assigned alerts.", "desk.assignee: *"),
                [top("desk.assignee", "Assignee", 20, "count")],
                [count("Alerts"), count("Open", OPEN, "open"), greatest("severity", "Severity")],
            ),
        ),
        Panel(
            "verdicts",
            24,
            table(
                _alerts(
                    "Verdicts",
                    "Severity that the desk gave when it closed an alert, beside the detector's.",
                    "desk.closed_severity >= 0",
                ),
                [
                    top("severity", "Detector", 5, "count", "detector"),
                    top("desk.closed_severity", "Desk", 6, "count", "desk"),
                ],
                [count("Alerts")],
            ),
        ),
    ),
)
_MENTIONS: Final = Row(
    15,
    (
        Panel(
            "negative",
            32,
            series(
                _mentions(
                    "Negative mentions by brand",
                    "All brands, whatever is chosen above, with a mark where an alert began. A "
                    "click opens what is said.",
                    NEGATIVE,
                ),
                over_time("created_at"),
                [count("Negative mentions")],
                top("brands", "Brand", 8, "count", "split"),
                Axes(marks=True),
            ),
            _TO_ANALYSTS,
        ),
        Panel(
            "leaving",
            16,
            table(
                _mentions("Complaints and threats to leave", "All brands."),
                [top("brands", "Brand", 20, "complaints")],
                [
                    count("Complaints", "intents: complaint", "complaints"),
                    count("Threats to leave", "intents: threat_to_leave", "leaving"),
                    count("Crisis words", "intents: crisis", "crisis"),
                ],
            ),
            _TO_ANALYSTS,
        ),
    ),
)
_CARRIERS: Final = Row(
    15,
    (
        Panel(
            "carriers",
            24,
            table(
                _mentions("Who carries it", "Authors of negative posts, by reach.", NEGATIVE),
                [top("author.handle", "Author", 30, "reach")],
                [
                    total("influence.reach", "Reach", _COUNTED, "reach"),
                    count("Mentions"),
                    greatest("author.followers", "Followers"),
                ],
            ),
        ),
        Panel(
            "copies",
            24,
            table(
                _mentions(
                    "Texts that many repeat",
                    "Copies of one text, by number; few authors with many copies act in step.",
                    "copied_from: *",
                ),
                [top("duplicate_group", "Text", 30, "count")],
                [
                    count("Copies"),
                    distinct("author.id", "Authors"),
                    greatest("influence.reach", "Widest reach"),
                    count("by young accounts", "influence.account_age_days <= 29", "young"),
                ],
            ),
        ),
    ),
)

CRISIS: Final = Board(
    CRISIS_BOARD,
    "Tocsin: crisis desk",
    "For the crisis desk: open alerts, their severity, who has them, and what carries them. The "
    "controls filter alerts.",
    "now-7d",
    ALERTS,
    (
        Control("brand", "Brand"),
        Control("severity", "Severity"),
        Control("status", "State"),
    ),
    (Link(ANALYST_BOARD, "What is said", False), Link(OPS_BOARD, "Operations", False)),
    (
        _FIGURES,
        Row(14, (Panel("alerts", 48, OPEN_ALERTS.id),)),
        _ALERTS,
        _DESK,
        _MENTIONS,
        _CARRIERS,
    ),
)
