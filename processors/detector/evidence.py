"""What an alert shows: numbers, terms, posts, authors, and where it is said. No prose."""

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from typing import Final

from msgspec.structs import replace

from processors.detector.signals.authenticity import authenticity, duplicate_share
from processors.detector.signals.term_lift import lifted_entities, lifted_terms
from processors.detector.signals.window import WindowSummary
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import Minute, PostRef, merged
from schemas.alert import Carrier, Evidence, Headline, Role, ShownPost

_SHOWN: Final = 3
_AUTHORS: Final = 10
_SPLIT: Final = 12


def evidence(
    minutes: Sequence[Minute], usual: Baseline, picture: WindowSummary, shift: Sequence[Minute]
) -> Evidence:
    """Of the last half hour; the first post is that of the ``shift``, the minutes of all of it."""
    shown = _shown(minutes, shift)
    entities = lifted_entities(minutes, usual)
    terms = lifted_terms(minutes, usual, entities)
    carriers = _carriers(minutes)
    return Evidence(
        posts=[post.id for post in shown],
        terms=[lift.term for lift in terms],
        entities=[lift.term for lift in entities],
        authors=[carrier.author for carrier in carriers],
        mentions=picture.long.mentions,
        distinct_authors=picture.long.authors,
        duplicate_share=round(duplicate_share(minutes), 3),
        lifted=terms,
        lifted_entities=entities,
        carriers=carriers,
        shown=shown,
        sources=_largest(merged(minutes, "sources")),
        languages=_largest(merged(minutes, "languages")),
        countries=_largest(merged(minutes, "countries")),
        authenticity=authenticity(minutes),
    )


def headline(name: str, picture: WindowSummary) -> Headline:
    """What a title says of the last half hour of the brand ``name``, exactly."""
    window = picture.long
    moved = "volume" in picture.signals
    return Headline(
        name=name,
        minutes=window.minutes,
        mentions=window.mentions,
        authors=window.authors,
        times=picture.ratio("volume") if moved else None,
        negative_share=window.negative / window.scored if window.scored else None,
    )


def rounded(headline: Headline) -> Headline:
    """The digits that an alert keeps; its title is written before, so that nothing rounds twice."""
    times, share = headline.times, headline.negative_share
    return replace(
        headline,
        times=None if times is None else round(times, 2),
        negative_share=None if share is None else round(share, 3),
    )


def _carriers(minutes: Sequence[Minute]) -> list[Carrier]:
    """Those who wrote most; of those who wrote as much, whom most people can see."""
    widest: dict[str, PostRef] = {}
    for post in _posts(minutes):
        known = widest.get(post.author)
        if known is None or post.reach > known.reach:
            widest[post.author] = post
    reach = {author: post.reach for author, post in widest.items()}
    counts = merged(minutes, "authors").items()
    most = nsmallest(_AUTHORS, counts, key=lambda one: (-one[1], -reach.get(one[0], 0), one[0]))
    return [
        Carrier(author=author, mentions=count, reach=reach.get(author, 0), url=_url(widest, author))
        for author, count in most
    ]


def _url(posts: dict[str, PostRef], author: str) -> str | None:
    post = posts.get(author)
    return None if post is None else post.url


def _largest(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.most_common(_SPLIT), key=lambda item: (-item[1], item[0])))


def _shown(minutes: Sequence[Minute], shift: Sequence[Minute]) -> list[ShownPost]:
    """The first post, those that most people could see, the worst, and one of the largest group."""
    first = min(_posts(shift), key=lambda post: (post.at, post.id), default=None)
    posts = {post.id: post for post in _posts(minutes)}
    chosen: dict[str, Role] = {}
    if first is not None:
        posts[first.id] = first
        chosen[first.id] = "first"
    if not posts:
        return []
    groups = merged(minutes, "groups")
    widest = sorted(posts.values(), key=lambda post: (-post.reach, post.at, post.id))
    for post in widest[:_SHOWN]:
        chosen.setdefault(post.id, "most_seen")
    for post in widest:
        if (post.score or 0) < -0.3 and chosen.setdefault(post.id, "influential") == "influential":
            break
    typical = max(widest, key=lambda post: (groups.get(post.group, 0), post.reach, post.id))
    chosen.setdefault(typical.id, "typical")
    return [_post(posts[name], role) for name, role in chosen.items()]


def _posts(minutes: Sequence[Minute]) -> Iterator[PostRef]:
    return (post for minute in minutes for post in minute.posts)


def _post(post: PostRef, role: Role) -> ShownPost:
    return ShownPost(
        id=post.id, role=role, at=post.at, url=post.url, reach=post.reach, score=post.score
    )
