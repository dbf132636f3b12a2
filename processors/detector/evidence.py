"""An alert, its evidence and its headline: numbers, terms, posts, authors, places. No prose."""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from heapq import nsmallest
from typing import Final

from msgspec.structs import replace

from brands.alert_policy import channels_of, is_muted
from processors.detector.afterwards import alert_id
from processors.detector.lifecycle import AlertLifecycle, Change
from processors.detector.signals.novelty import log_likelihood
from processors.detector.signals.summary import WindowSummary
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import time_of
from processors.detector.state.minute import Minute, PostRef
from processors.detector.state.term_counts import TermCounts
from processors.detector.state.window import Window
from schemas.alert import (
    Alert,
    Authenticity,
    Carrier,
    Evidence,
    Headline,
    Lift,
    Role,
    ShownPost,
)
from schemas.brand import Brand
from text.alert_title import WIRE, crisis_title
from text.tokens import folded_tokens

_SHOWN: Final = 3
_AUTHORS: Final = 10
_SPLIT: Final = 12
_LIFTS: Final = 12
_MIN_LIKELIHOOD: Final = 15.1
"""Log-likelihood ratio: one in ten thousand by chance."""
MIN_MENTIONS: Final = 20
"""Below this many mentions everything counts as organic."""
COPIED: Final = 0.4
YOUNG: Final = 0.3
CONCENTRATED: Final = 0.3
"""Share of mentions that the busiest authors wrote, ten at most."""
BUSY: Final = 3
"""Mentions in half an hour from which an author is busy."""
MIN_AGED: Final = 10
"""Mentions of accounts with a known age, from which the share of new ones is known."""


def evidence(window: Window, baseline: Baseline, since_began: Sequence[Minute]) -> Evidence:
    """Of the last half hour; the first post is that of ``since_began``, the shift's minutes."""
    totals = window.long
    entities = _lifts(window, "entities", baseline)
    # The words of a lifted name are not terms of their own.
    words = {word for entity in entities for word in folded_tokens(entity.term)}
    return Evidence(
        mentions=totals.mentions,
        distinct_authors=totals.authors,
        duplicate_share=round(totals.copies / totals.mentions if totals.mentions else 0.0, 3),
        lifted=_lifts(window, "terms", baseline, words),
        lifted_entities=entities,
        carriers=_carriers(window),
        shown=_shown(window, since_began),
        sources=_largest(window.counter("sources")),
        languages=_largest(window.counter("languages")),
        countries=_largest(window.counter("countries")),
        authenticity=_authenticity(window),
    )


def alert_of(
    brand: Brand,
    change: Change,
    end: int,
    summary: WindowSummary,
    lifecycle: AlertLifecycle,
    shown: Evidence,
    looked: int,
) -> Alert:
    """The state of a brand's alert by the window before ``end``; ``looked``: the present minute."""
    policy, at = brand.alerts, time_of(end)
    grade = lifecycle.severity or lifecycle.last
    facts = headline(brand.name, summary)
    return Alert(
        id=alert_id(brand.id, lifecycle.opened),
        brand=brand.id,
        version=end * 60_000_000,
        status=change,
        severity=grade,
        began_at=time_of(lifecycle.began - 1),
        raised_at=at,
        title=crisis_title(facts, change, WIRE),
        signals=sorted(summary.signals.values(), key=lambda s: -(s.significance or 0)),
        evidence=shown,
        channels=channels_of(policy, grade),
        muted=is_muted(policy, grade, max(at, time_of(looked))),
        headline=rounded(facts),
    )


def headline(name: str, summary: WindowSummary) -> Headline:
    """The exact facts of the title: the last half hour of the brand ``name``."""
    totals = summary.long
    return Headline(
        name=name,
        minutes=totals.minutes,
        mentions=totals.mentions,
        authors=totals.authors,
        # Of this window: the signal may be that of the last few minutes.
        times=totals.mentions / max(summary.expected, 0.5) if "volume" in summary.signals else None,
        negative_share=totals.negative / totals.scored if totals.scored else None,
    )


def rounded(headline: Headline) -> Headline:
    """The headline that an alert keeps; render the title first, or it is rounded twice."""
    times, share = headline.times, headline.negative_share
    return replace(
        headline,
        times=None if times is None else round(times, 2),
        negative_share=None if share is None else round(share, 3),
    )


def _authenticity(window: Window) -> Authenticity:
    """Copies of a longer text that do not say so are coordinated, and so are any copies from
    accounts that are new or write over and over; reposts by many older accounts are amplified.

    Many accounts that say one short thing are many people. An unknown age says nothing.
    """
    totals = window.long
    if totals.mentions < MIN_MENTIONS:
        return "organic"
    young = totals.young / totals.aged if totals.aged >= MIN_AGED else 0.0
    busiest = [count for _, count in window.counter("authors").most_common(10)]
    busy = sum(count for count in busiest if count >= BUSY)
    concentrated = busy / totals.mentions >= CONCENTRATED
    suspicious = young >= YOUNG or concentrated
    if totals.unsaid >= COPIED * totals.mentions:
        return "coordinated"
    if totals.copies >= COPIED * totals.mentions and suspicious:
        return "coordinated"
    if young >= 2 * YOUNG and concentrated:
        return "coordinated"
    return "amplified" if totals.echoes >= COPIED * totals.mentions else "organic"


def _lifts(
    window: Window, kind: str, baseline: Baseline, without: Container[str] = ()
) -> list[Lift]:
    """The terms or entities that are more frequent than before, most significant first."""
    past: TermCounts = getattr(baseline, kind)
    mentions, before = window.long.mentions, max(baseline.mentions, 1.0)
    lifts = []
    for term, count in window.counter(kind).items():
        if count < 3 or term in without:
            continue
        usually = past.get(term)
        if count * before <= usually * mentions:
            continue
        surprise = log_likelihood(count, mentions, usually, before)
        if surprise >= _MIN_LIKELIHOOD:
            expected = mentions * usually / before
            lifts.append(
                Lift(term=term, count=count, expected=round(expected, 2),
                     significance=round(surprise, 1))
            )  # fmt: skip
    return sorted(lifts, key=lambda lift: (-lift.significance, lift.term))[:_LIFTS]


def _carriers(window: Window) -> list[Carrier]:
    widest: dict[str, PostRef] = {}
    for post in _posts(window.minutes):
        other = widest.get(post.author)
        if other is None or post.reach > other.reach:
            widest[post.author] = post
    reach = {author: post.reach for author, post in widest.items()}
    counts = window.counter("authors").items()
    top = nsmallest(_AUTHORS, counts, key=lambda item: (-item[1], -reach.get(item[0], 0), item[0]))
    return [
        Carrier(
            author=author,
            mentions=count,
            reach=reach.get(author, 0),
            url=widest[author].url if author in widest else None,
        )
        for author, count in top
    ]


def _largest(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.most_common(_SPLIT), key=lambda item: (-item[1], item[0])))


def _shown(window: Window, since_began: Sequence[Minute]) -> list[ShownPost]:
    """The first post, those with most reach, a negative one, and one of the largest group."""
    first = min(_posts(since_began), key=lambda post: (post.at, post.id), default=None)
    posts = {post.id: post for post in _posts(window.minutes)}
    roles: dict[str, Role] = {}
    if first is not None:
        posts[first.id] = first
        roles[first.id] = "first"
    if not posts:
        return []
    groups = window.counter("groups")
    widest = sorted(posts.values(), key=lambda post: (-post.reach, post.at, post.id))
    for post in widest[:_SHOWN]:
        roles.setdefault(post.id, "most_seen")
    for post in widest:
        if (post.score or 0) < -0.3 and roles.setdefault(post.id, "influential") == "influential":
            break
    typical = max(widest, key=lambda post: (groups.get(post.group, 0), post.reach, post.id))
    roles.setdefault(typical.id, "typical")
    return [
        ShownPost(
            id=p.id, role=role, at=p.at, url=p.url, reach=p.reach, score=p.score, author=p.author
        )
        for p, role in zip(map(posts.__getitem__, roles), roles.values(), strict=True)
    ]


def _posts(minutes: Sequence[Minute]) -> Iterator[PostRef]:
    return (post for minute in minutes for post in minute.posts)
