"""An alert as a person reads it: lines of facts, before they become plain text, HTML or blocks.

Nothing is said that is not in the alert. What came from the public is cleaned here (no control
characters, no bidirectional overrides, bounded) and escaped where it is rendered.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from schemas.alert import Alert, Lift, ShownPost, Signal
from sinks.alerts.words import Language, grouped, percent, unit_word, word

MOST_TITLE = 200
_MOST_TERM = 80
_MOST_URL = 1_000
_MOST_SHOWN = 10
_MOST_NAMED = 8
_SIGNALS = {
    "volume",
    "authors",
    "discounted_volume",
    "negative_share",
    "sentiment",
    "reach",
    "topic",
    "influencer",
    "lexicon",
    "spread",
}


@dataclass(frozen=True, slots=True)
class Style:
    """How the desk wants to read."""

    language: Language = "en"
    time_zone: str = "UTC"

    @property
    def zone(self) -> tzinfo:
        """The zone that times are told in."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line; ``url`` is http or https, and percent-encoded where it must be."""

    text: str
    url: str | None = None


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading; the first section has none."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole alert, in the desk's language."""

    title: str
    flag: str
    """Severity, status and kind in a few words: ``4 of 5, opened``."""
    language: Language
    sections: tuple[Section, ...]
    id: str


def report(alert: Alert, style: Style) -> Report:
    """What is said of this state."""
    language = style.language
    sections = [
        Section("", tuple(_facts(alert, style))),
        Section("moved", tuple(_signal(signal, language) for signal in alert.signals)),
        Section("who", tuple(_who(alert, language))),
        Section("lifted", tuple(_terms(alert, language))),
        Section("entities", _listed(alert.evidence.entities, language)),
        Section("shown", tuple(_posts(alert, style))),
        Section("split", tuple(_splits(alert, language))),
    ]
    return Report(
        title=clean(alert.title, MOST_TITLE),
        flag=f"{word('of_5', language).format(alert.severity)}, {word(alert.status, language)}",
        language=language,
        sections=tuple(
            Section(word(section.heading, language) if section.heading else "", section.lines)
            for section in sections
            if section.lines
        ),
        id=clean(alert.id, MOST_TITLE),
    )


def clean(text: str, most: int) -> str:
    """One line without what could steer a terminal, a header or the direction of the text."""
    kept = "".join(
        " " if character.isspace() else character
        for character in text[: 4 * most]
        # Of the invisible ones, only the joiners that emoji and some scripts need.
        if character.isspace()
        or character in "\u200c\u200d"
        or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs")
    )
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def when(at: datetime, style: Style) -> str:
    """A time in the desk's zone, to the minute."""
    there = at.astimezone(style.zone)
    shape = "%d/%m/%Y %H:%M %Z" if style.language == "fr" else "%Y-%m-%d %H:%M %Z"
    return there.strftime(shape)


def fact(key: str, value: str, language: Language) -> Line:
    """``Severity: 4 of 5``."""
    return (Span(f"{word(key, language)}{word('colon', language)}{value}"),)


def quoted(text: str, language: Language) -> str:
    """What the public said, between quotation marks."""
    return word("open_quote", language) + text + word("close_quote", language)


# --- sections --------------------------------------------------------------------------------


def _facts(alert: Alert, style: Style) -> list[Line]:
    language = style.language
    lines = [
        fact("brand", clean(alert.brand, _MOST_TERM), language),
        fact("severity", word("of_5", language).format(alert.severity), language),
        fact("status", word(alert.status, language), language),
        fact("kind", word(alert.kind, language), language),
        fact("since", when(alert.began_at, style), language),
        fact("decided", when(alert.raised_at, style), language),
    ]
    if alert.muted:
        lines.append((Span(word("muted", language)),))
    return lines


def _signal(signal: Signal, language: Language) -> Line:
    """``mentions: 540 posts / 5 min, usually 61.5 (×8.8, significance 11.2)``."""
    unit = clean(signal.unit, _MOST_TERM)
    moved = []
    if unit == "share":
        observed, baseline = percent(signal.observed, language), percent(signal.baseline, language)
        points = (signal.observed - signal.baseline) * 100
        moved.append(word("points", language).format(_signed(points, language)))
    else:
        observed, baseline = _number(signal.observed, language), _number(signal.baseline, language)
        if "/" in unit and signal.baseline > 0:
            moved.append("×" + grouped(signal.observed / signal.baseline, language))
        else:
            moved.append(_signed(signal.observed - signal.baseline, language))
        observed = f"{observed} {_unit(unit, language)}".strip()
    if signal.significance is not None:
        text = grouped(signal.significance, language)
        moved.append(word("significance", language).format(text))
    usual = word("usually", language).format(baseline)
    name = clean(signal.name, _MOST_TERM)
    name = word(name, language) if name in _SIGNALS else name
    return (Span(f"{name}{word('colon', language)}{observed}, {usual} ({', '.join(moved)})"),)


def _unit(unit: str, language: Language) -> str:
    """``posts/5min`` as ``posts / 5 min``, in the language where it is a known word."""
    name, slash, per = unit.partition("/")
    digits = "".join(character for character in per if character.isdigit())
    rest = per.removeprefix(digits)
    name = unit_word(name, language)
    return f"{name} / {digits} {rest}".replace("  ", " ") if slash else name


def _number(value: float, language: Language) -> str:
    """Small numbers with two digits, large ones with one or none."""
    size = abs(value)
    return grouped(value, language, 2 if size < 10 else 1 if size < 1_000 else 0)


def _signed(value: float, language: Language) -> str:
    text = _number(value, language)
    return text if text.startswith("−") or text == "0" else f"+{text}"


def _who(alert: Alert, language: Language) -> list[Line]:
    evidence, lines = alert.evidence, []
    if evidence.mentions:
        lines.append(fact("mentions", grouped(evidence.mentions, language), language))
    if evidence.distinct_authors:
        count = grouped(evidence.distinct_authors, language)
        lines.append(fact("distinct_authors", count, language))
    if evidence.duplicate_share is not None:
        lines.append(fact("duplicates", percent(evidence.duplicate_share, language), language))
    if evidence.authenticity is not None:
        lines.append(fact("authenticity", word(evidence.authenticity, language), language))
    return lines


def _terms(alert: Alert, language: Language) -> list[Line]:
    lifted = alert.evidence.lifted
    if not lifted:
        return list(_listed(alert.evidence.terms, language))
    lines = [_lift(lift, language) for lift in lifted[:_MOST_SHOWN]]
    return [*lines, *_left_out(len(lifted) - _MOST_SHOWN, language)]


def _lift(lift: Lift, language: Language) -> Line:
    expected = word("expected", language).format(_number(lift.expected, language))
    term = quoted(clean(lift.term, _MOST_TERM), language)
    count = grouped(lift.count, language)
    return (Span(f"{term}{word('colon', language)}{count} ({expected})"),)


def _listed(texts: Sequence[str], language: Language) -> tuple[Line, ...]:
    if not texts:
        return ()
    shown = ", ".join(quoted(clean(text, _MOST_TERM), language) for text in texts[:_MOST_SHOWN])
    return ((Span(shown),), *_left_out(len(texts) - _MOST_SHOWN, language))


def _left_out(count: int, language: Language) -> list[Line]:
    return [(Span(word("more", language).format(count)),)] if count > 0 else []


def _posts(alert: Alert, style: Style) -> list[Line]:
    shown, language = alert.evidence.shown, style.language
    if not shown:
        return list(_listed(alert.evidence.posts, language))
    lines = [_post(post, style) for post in shown[:_MOST_SHOWN]]
    return [*lines, *_left_out(len(shown) - _MOST_SHOWN, language)]


def _post(post: ShownPost, style: Style) -> Line:
    language = style.language
    facts = [when(post.at, style)]
    if post.reach:
        facts.append(word("seen", language).format(grouped(post.reach, language)))
    if post.score is not None:
        facts.append(word("felt", language).format(_signed(post.score, language)))
    name = clean(post.id, _MOST_TERM)
    before = Span(f"{word(post.role, language)}{word('colon', language)}")
    return (before, Span(name, link(post.url)), Span(f" ({', '.join(facts)})"))


def link(url: str | None) -> str | None:
    """The address if a person may safely click it: http or https, no user in it, all ASCII.

    A user in an address serves to look like another host.
    """
    if url is None or len(url) > _MOST_URL or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    for character in "<>|\"'` \\()":
        url = url.replace(character, f"%{ord(character):02X}")
    return url


def _splits(alert: Alert, language: Language) -> list[Line]:
    evidence = alert.evidence
    kinds: tuple[tuple[str, Mapping[str, int]], ...] = (
        ("sources", evidence.sources),
        ("languages", evidence.languages),
        ("countries", evidence.countries),
    )
    return [fact(key, _split(counts, language), language) for key, counts in kinds if counts]


def _split(counts: Mapping[str, int], language: Language) -> str:
    """``x 500 (93%), bluesky 40 (7%)``, the largest first."""
    total = sum(counts.values()) or 1
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = [
        f"{clean(name, _MOST_TERM)} {grouped(count, language)} ({percent(count / total, language)})"
        for name, count in ordered[:_MOST_NAMED]
    ]
    if len(ordered) > _MOST_NAMED:
        parts.append(word("more", language).format(len(ordered) - _MOST_NAMED))
    return ", ".join(parts)
