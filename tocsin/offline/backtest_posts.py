"""The texts of the posts of a back-test's alerts, from its file or from the index."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from processors.detector.backtest import BacktestAlert
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.codec import MENTION_EVENT
from schemas.errors import InvalidMessage
from schemas.mention import Mention, MentionUpsert
from sinks.alerts.message.post_texts import Published
from tocsin.offline.alert_posts import mentions_of_index, published

if TYPE_CHECKING:
    from runtime.settings import ElasticsearchSettings

_PAGE: Final = 500
_WINDOW: Final = timedelta(minutes=30)


class _Id(Struct):
    id: str = ""


_decode_id = msgspec.json.Decoder(_Id).decode


def mentions_of_file(lines: Iterable[bytes], ids: Collection[str]) -> list[Mention]:
    """The mentions of these posts among mention events, the last state of each."""
    found: dict[str, Mention] = {}
    for line in lines:
        if b'"op"' not in line:
            continue
        try:
            if _decode_id(line).id not in ids:
                continue
            event = MENTION_EVENT.decode(line)
        except (InvalidMessage, msgspec.MsgspecError):
            continue
        found.pop(event.id, None)
        if isinstance(event, MentionUpsert):
            found[event.id] = event.mention
    return list(found.values())


def mentions_in_index(settings: "ElasticsearchSettings", ids: Collection[str]) -> list[Mention]:
    """The mentions of these posts as far as they are in the index."""
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.indices.mappings import IndexNames

    rest, found = iter(ids), list[Mention]()
    index = IndexNames(settings).mentions
    with connect(settings) as client, elasticsearch_errors(settings):
        while page := list(islice(rest, _PAGE)):
            query = {"ids": {"values": page}}
            found += mentions_of_index(client, index, query, len(page))
    return found


def gravest(alert: BacktestAlert) -> Alert:
    """The first of its states with the highest severity, whose evidence tells most."""
    return next(state for state in alert.states if state.severity == alert.severity)


def shown_ids(alerts: Iterable[BacktestAlert]) -> set[str]:
    """The posts of the evidence of these alerts."""
    return {post.id for alert in alerts for post in gravest(alert).evidence.shown}


def published_by_alert(
    alerts: Iterable[BacktestAlert], mentions: Sequence[Mention], records: Sequence[Activity]
) -> Mapping[str, Published]:
    """By the id of the alert; ``records``: those of the whole back-test."""
    told = {}
    for alert in alerts:
        state = gravest(alert)
        window = (
            record
            for record in records
            if state.raised_at - _WINDOW <= record.at <= state.raised_at
        )
        told[alert.id] = published(state, mentions, window)
    return told
