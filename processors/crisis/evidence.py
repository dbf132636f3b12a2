"""What an alert shows: numbers, terms, posts, authors, and where it is said. No prose."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from processors.crisis.authenticity import authenticity, duplicate_share
from processors.crisis.baseline import Usual
from processors.crisis.counts import Minute, Seen, merged
from processors.crisis.signals import Picture, lifted
from schemas.alert import Evidence, Role, ShownPost

_SHOWN: Final = 3
_AUTHORS: Final = 10
_SPLIT: Final = 12


def evidence(minutes: Sequence[Minute], usual: Usual, picture: Picture) -> Evidence:
    """Of the last half hour."""
    shown = _shown(minutes)
    lifts = lifted(minutes, usual)
    return Evidence(
        posts=[post.id for post in shown],
        terms=[lift.term for lift in lifts],
        authors=[name for name, _ in merged(minutes, "authors").most_common(_AUTHORS)],
        mentions=picture.long.mentions,
        distinct_authors=picture.long.authors,
        duplicate_share=round(duplicate_share(minutes), 3),
        lifted=lifts,
        shown=shown,
        sources=_largest(merged(minutes, "sources")),
        languages=_largest(merged(minutes, "languages")),
        countries=_largest(merged(minutes, "countries")),
        authenticity=authenticity(minutes),
    )


def _largest(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.most_common(_SPLIT), key=lambda item: (-item[1], item[0])))


def _shown(minutes: Sequence[Minute]) -> list[ShownPost]:
    """The first post, those that most people could see, the worst, and one of the largest group."""
    posts = {post.id: post for minute in minutes for post in minute.posts}
    if not posts:
        return []
    every = sorted(posts.values(), key=lambda post: (post.at, post.id))
    groups = merged(minutes, "groups")
    chosen: dict[str, Role] = {every[0].id: "first"}
    widest = sorted(every, key=lambda post: (-post.reach, post.at, post.id))
    for post in widest[:_SHOWN]:
        chosen.setdefault(post.id, "most_seen")
    for post in widest:
        if (post.score or 0) < -0.3 and chosen.setdefault(post.id, "influential") == "influential":
            break
    typical = max(every, key=lambda post: (groups.get(post.group, 0), post.reach, post.id))
    chosen.setdefault(typical.id, "typical")
    return [_post(posts[name], role) for name, role in chosen.items()]


def _post(post: Seen, role: Role) -> ShownPost:
    return ShownPost(
        id=post.id, role=role, at=post.at, url=post.url, reach=post.reach, score=post.score
    )
