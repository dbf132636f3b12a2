"""The sudden arrival of a hashtag, a link, a word or a name that was hardly ever said of the brand.

It is looked for each minute among all that was said, so its significance is corrected for how many
terms there were; and each author counts once, so that nobody makes a topic alone.
"""

from collections.abc import Sequence
from typing import Final

from processors.detector.signals.likelihood import deviate
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import Minute, voices
from schemas.alert import Signal

MIN_VOICES: Final = 5
"""Authors below whom nothing is a topic."""
TELLING: Final = 0.02
"""Share of the mentions below which it is none either."""
HARDLY: Final = 0.002
"""Share of the mentions of before up to which a term is new; having been said once is no matter."""
SURE: Final = 3.5
"""Standard deviations from which it is told."""


def new_topics(minutes: Sequence[Minute], usual: Baseline, length: int) -> list[Signal]:
    """The surest new topic of the ``length`` minutes, if there is one."""
    mentions = sum(minute.mentions for minute in minutes)
    before = max(usual.mentions, 1.0)
    said = _said(minutes)
    least = max(MIN_VOICES, TELLING * mentions)
    found: list[tuple[float, str, float]] = []
    for term, count in said.items():
        if count < least:
            continue
        usually = usual.terms.get(term, 0.0) + usual.entities.get(term, 0.0)
        if usually > max(1.0, HARDLY * before):
            continue
        authors = min(count, round(voices(minutes, term)))
        if authors < MIN_VOICES:
            continue
        significance = deviate(authors, mentions, usually, before, len(said))
        if significance >= SURE:
            found.append((significance, term, mentions * usually / before))
    if not found:
        return []
    # Of two as sure, the hashtag: "#" sorts before letters.
    significance, term, expected = min(found, key=lambda one: (-one[0], one[1]))
    return [
        Signal(
            name="topic",
            observed=said[term],
            baseline=round(expected, 3),
            unit=f"posts/{length}min",
            significance=round(significance, 2),
            about=term,
        )
    ]


def _said(minutes: Sequence[Minute]) -> dict[str, int]:
    """Posts by term and entity; a plain loop, since this is done each minute for each brand."""
    said: dict[str, int] = {}
    for minute in minutes:
        for counts in (minute.terms, minute.entities):
            for term, count in counts.items():
                said[term] = said.get(term, 0) + count
    return said
