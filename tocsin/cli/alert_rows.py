"""Alerts, and the posts of an alert, as rows."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from schemas.alert import Alert
from schemas.types import JsonObject
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.post_texts import Published
from sinks.alerts.message.report import link, title
from sinks.alerts.triage import AlertDocument, desk_of, escalated, standing
from tocsin.cli.output import Format
from tocsin.cli.row_writers import Row

TEXT_COLUMNS = ("id", "status", "severity", "began_at", "title")
COLUMNS = (
    "id",
    "status",
    "severity",
    "brand",
    "kind",
    "began_at",
    "raised_at",
    "escalated",
    "muted",
    "assignee",
    "title",
)
POST_COLUMNS = (
    "id",
    "role",
    "at",
    "source",
    "author",
    "followers",
    "reach",
    "score",
    "url",
    "text",
    "marks",
)


def alert_row(source: AlertDocument, style: Style, format: Format) -> Row:
    """A row of ``TEXT_COLUMNS`` for people, or of ``COLUMNS``."""
    from sinks.alerts.store import alert_of

    alert, assignee = alert_of(source), desk_of(source).assignee
    written = title(alert, style)
    if format != "text":
        return (
            alert.id,
            standing(source),
            alert.severity,
            alert.brand,
            alert.kind,
            alert.began_at,
            alert.raised_at,
            escalated(source),
            alert.muted,
            assignee,
            written,
        )
    status = standing(source) + ("!" if escalated(source) else "")
    status += " (muted)" if alert.muted else ""
    status += f", {assignee}" if assignee else ""
    return alert.id, status, alert.severity, style.when(alert.began_at), written


def post_rows(alert: Alert, published: Published) -> Iterator[Row]:
    """A row of ``POST_COLUMNS`` for each post; without author and text if it is not found."""
    for post in alert.evidence.shown:
        found = published.posts.get(post.id)
        known = (
            (None, None, None) if found is None else (found.source, found.author, found.followers)
        )
        yield (
            post.id,
            post.role,
            post.at,
            *known,
            post.reach,
            post.score,
            link(post.url),
            None if found is None else found.text,
            [] if found is None else [list(mark) for mark in found.marks],
        )


def post_objects(alert: Alert, published: Published) -> list[JsonObject]:
    """The rows as objects of JSON."""
    return [
        {
            name: msgspec.to_builtins(cell) if isinstance(cell, datetime) else cell
            for name, cell in zip(POST_COLUMNS, row, strict=True)
        }
        for row in post_rows(alert, published)
    ]
