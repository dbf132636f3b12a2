"""What is new about a brand: terms and names that were hardly ever said of it, and places where it
is usually not talked about.

Topics are looked for each minute among all that was said, so their significance is corrected for
how many terms there were; and each author counts once, so that nobody makes a topic alone.
"""

from typing import Final, Literal

from processors.detector.signals.likelihood import deviate
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import voices
from processors.detector.state.window import LONG, Window
from schemas.alert import Signal

MIN_VOICES: Final = 5
"""Authors below whom nothing is a topic."""
TELLING: Final = 0.02
"""Share of the mentions below which it is none either."""
HARDLY: Final = 0.002
"""Share of the mentions of before up to which a term is new; having been said once is no matter."""
SURE_OF_TOPIC: Final = 3.5
"""Standard deviations from which a topic is told."""
MIN_POSTS: Final = 3
"""Posts from a source or country below which it is not yet a place."""
USUAL: Final = 0.01
"""Share of what was said before from which a place is a usual one."""
KNOWN: Final = 20.0
"""Posts of before with which one can tell."""
SURE_OF_PLACES: Final = 2.0
_NAMED: Final = 5


def new_topics(window: Window, baseline: Baseline) -> list[Signal]:
    """The surest new topic, a hashtag, link, word or name, if there is one."""
    mentions = window.long.mentions
    before = max(baseline.mentions, 1.0)
    posts = _posts_by_term(window)
    least = max(MIN_VOICES, TELLING * mentions)
    topics: list[tuple[float, str, float]] = []
    for term, count in posts.items():
        if count < least:
            continue
        usually = baseline.terms.get(term, 0.0) + baseline.entities.get(term, 0.0)
        if usually > max(1.0, HARDLY * before):
            continue
        authors = min(count, round(voices(window.minutes, term)))
        if authors < MIN_VOICES:
            continue
        significance = deviate(authors, mentions, usually, before, len(posts))
        if significance >= SURE_OF_TOPIC:
            topics.append((significance, term, mentions * usually / before))
    if not topics:
        return []
    # Of two as sure, the hashtag: "#" sorts before letters.
    significance, term, expected = min(topics, key=lambda topic: (-topic[0], topic[1]))
    return [
        Signal(
            name="topic",
            observed=posts[term],
            baseline=round(expected, 3),
            unit=f"posts/{LONG}min",
            significance=round(significance, 2),
            about=term,
        )
    ]


def _posts_by_term(window: Window) -> dict[str, int]:
    """Posts by term and entity; a plain loop, since this is done each minute for each brand."""
    posts: dict[str, int] = {}
    for minute in window.minutes:
        for counts in (minute.terms, minute.entities):
            for term, count in counts.items():
                posts[term] = posts.get(term, 0) + count
    return posts


def new_places(
    window: Window, baseline: Baseline, kind: Literal["sources", "countries"]
) -> list[Signal]:
    """One signal where there are sources, or countries, that are new."""
    past: dict[str, float] = getattr(baseline, kind)
    before = sum(past.values())
    if before < KNOWN:
        return []
    now = window.counter(kind)
    new = sorted(
        (name for name in now if now[name] >= MIN_POSTS and past.get(name, 0.0) < USUAL * before),
        key=lambda name: (-now[name], name),
    )
    # Together, so that four posts from each of three new places are twelve.
    posts, usually = sum(now[name] for name in new), sum(past.get(name, 0.0) for name in new)
    significance = deviate(posts, sum(now.values()), usually, before, len(now))
    if significance <= SURE_OF_PLACES:
        return []
    places = sum(1 for count in past.values() if count >= USUAL * before)
    return [
        Signal(
            name="spread",
            observed=places + len(new),
            baseline=places,
            unit=kind,
            significance=round(significance, 2),
            about=", ".join(new[:_NAMED]),
        )
    ]
