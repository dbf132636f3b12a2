"""What is new about a brand: terms and names, and the sources and countries of its mentions.

Topics are searched each minute among all terms, so their significance is corrected for the number
of terms. Each author counts once: no author makes a topic alone.
"""

import math
from typing import Final, Literal

from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import voices
from processors.detector.state.window import LONG, Window
from schemas.alert import Signal

MIN_VOICES: Final = 5
TELLING: Final = 0.02
"""Minimum share of the mentions of a topic."""
HARDLY: Final = 0.002
"""A term below this share of past mentions counts as new, and so does one that was said once."""
SURE_OF_TOPIC: Final = 3.5
MIN_POSTS: Final = 3
USUAL: Final = 0.01
"""Share of past posts from which a place is usual."""
KNOWN: Final = 20.0
"""Minimum past posts with a known place."""
SURE_OF_PLACES: Final = 2.0
_NAMED: Final = 5


def log_likelihood(count: float, of: float, usually: float, of_usual: float) -> float:
    """Dunning's log-likelihood ratio of two equal shares, times minus two.

    Unlike a test of normal proportions it holds for rare terms (Dunning 1993,
    https://aclanthology.org/J93-1003).
    """
    share = (count + usually) / (of + of_usual)
    parts = ((count, of * share), (usually, of_usual * share))
    return 2 * sum(seen * math.log(seen / expected) for seen, expected in parts if seen > 0)


def deviate(count: float, of: float, usually: float, of_usual: float, tests: int = 1) -> float:
    """Standard deviations by which a share has risen; 0 if it has not.

    ``tests``: number of shares that were tested. The tail of a normal distribution falls as
    exp(-z²/2), so Bonferroni's correction subtracts 2 ln n from z².
    """
    if count * of_usual <= usually * of:
        return 0.0
    squared = log_likelihood(count, of, usually, of_usual) - 2 * math.log(max(tests, 1))
    return math.sqrt(max(squared, 0.0))


def signal(
    name: str,
    observed: float,
    baseline: float,
    unit: str,
    significance: float,
    about: str | None = None,
) -> Signal:
    return Signal(
        name=name,
        observed=round(observed, 3),
        baseline=round(baseline, 3),
        unit=unit,
        significance=round(max(significance, 0.0), 2),
        about=about,
    )


def new_topics(window: Window, baseline: Baseline) -> list[Signal]:
    """The most significant new hashtag, link, word or name, if any."""
    mentions = window.long.mentions
    before = max(baseline.mentions, 1.0)
    posts = _posts_by_term(window)
    minimum = max(MIN_VOICES, TELLING * mentions)
    topics: list[tuple[float, str, float]] = []
    for term, count in posts.items():
        if count < minimum:
            continue
        usually = baseline.terms.get(term) + baseline.entities.get(term)
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
    # Ties go to the hashtag: "#" sorts before letters.
    significance, term, expected = min(topics, key=lambda topic: (-topic[0], topic[1]))
    return [signal("topic", posts[term], expected, f"posts/{LONG}min", significance, term)]


def _posts_by_term(window: Window) -> dict[str, int]:
    posts: dict[str, int] = {}
    # A plain loop: this runs each minute for each brand.
    for minute in window.minutes:
        for counts in (minute.terms, minute.entities):
            for term, count in counts.items():
                posts[term] = posts.get(term, 0) + count
    return posts


def new_places(
    window: Window, baseline: Baseline, kind: Literal["sources", "countries"]
) -> list[Signal]:
    """One signal for all new sources, or countries."""
    past: dict[str, float] = getattr(baseline, kind)
    before = sum(past.values())
    if before < KNOWN:
        return []
    now = window.counter(kind)
    new = sorted(
        (name for name in now if now[name] >= MIN_POSTS and past.get(name, 0.0) < USUAL * before),
        key=lambda name: (-now[name], name),
    )
    # Together: four posts from each of three new places are twelve.
    posts, usually = sum(now[name] for name in new), sum(past.get(name, 0.0) for name in new)
    significance = deviate(posts, sum(now.values()), usually, before, len(now))
    if significance <= SURE_OF_PLACES:
        return []
    places = sum(1 for count in past.values() if count >= USUAL * before)
    about = ", ".join(new[:_NAMED])
    return [signal("spread", places + len(new), places, kind, significance, about)]
