"""An alert as a person reads it: lines of facts, before they become plain text, HTML or blocks.

Nothing is said that is not in the alert. What came from the public is cleaned here and escaped
where it is rendered.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.alert import Alert, Carrier, Lift, ShownPost, Signal
from sinks.alerts.message.lines import MAX_TITLE, Line, Span, Style, fact, link, quoted, when
from sinks.alerts.message.titles import title
from sinks.alerts.message.words import Language, counted, grouped, percent, unit_word, word
from text.terminal import single_line

_MAX_TERM = 80
_MAX_SHOWN = 10
_MAX_NAMED = 8
_MIN_RATIO = 0.1
"""Baseline of which a multiple still says something."""
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
    language, evidence = style.language, alert.evidence
    sections = [
        Section("", tuple(_facts(alert, style))),
        Section("moved", tuple(_signal(signal, language) for signal in alert.signals)),
        Section("who", tuple(_who(alert, language))),
        Section("carried", tuple(_carriers(alert, language))),
        Section("lifted", tuple(_lifts(evidence.lifted, evidence.terms, language))),
        Section("entities", tuple(_lifts(evidence.lifted_entities, evidence.entities, language))),
        Section("shown", tuple(_posts(alert, style))),
        Section("split", tuple(_splits(alert, language))),
    ]
    return Report(
        title=title(alert, style),
        flag=f"{word('of_5', language).format(alert.severity)}, {word(alert.status, language)}",
        language=language,
        sections=tuple(
            Section(word(section.heading, language) if section.heading else "", section.lines)
            for section in sections
            if section.lines
        ),
        id=single_line(alert.id, MAX_TITLE),
    )


# --- sections --------------------------------------------------------------------------------


def _facts(alert: Alert, style: Style) -> list[Line]:
    language = style.language
    lines = [
        fact("brand", single_line(alert.brand, _MAX_TERM), language),
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
    unit = single_line(signal.unit, _MAX_TERM)
    moved = []
    if unit == "share":
        observed, baseline = percent(signal.observed, language), percent(signal.baseline, language)
        points = (signal.observed - signal.baseline) * 100
        moved.append(word("points", language).format(_signed(points, language)))
    else:
        observed, baseline = _number(signal.observed, language), _number(signal.baseline, language)
        if "/" in unit and signal.baseline >= _MIN_RATIO:
            moved.append("×" + grouped(signal.observed / signal.baseline, language))
        else:
            moved.append(_signed(signal.observed - signal.baseline, language))
        observed = f"{observed} {_unit(unit, language)}".strip()
    if signal.significance is not None:
        text = grouped(signal.significance, language)
        moved.append(word("significance", language).format(text))
    usual = word("usually", language).format(baseline)
    name = single_line(signal.name, _MAX_TERM)
    name = word(name, language) if name in _SIGNALS else name
    if signal.about is not None:
        name = f"{name} {quoted(single_line(signal.about, _MAX_TERM), language)}"
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


def _carriers(alert: Alert, language: Language) -> list[Line]:
    carriers = alert.evidence.carriers
    if not carriers:
        return list(_listed(alert.evidence.authors, language))
    lines = [_carrier(carrier, language) for carrier in carriers[:_MAX_SHOWN]]
    return [*lines, *_left_out(len(carriers) - _MAX_SHOWN, language)]


def _carrier(carrier: Carrier, language: Language) -> Line:
    """The link is to a post of the author's: the hash says nothing to a person."""
    facts = [counted("mentions", carrier.mentions, language)]
    if carrier.reach:
        facts.append(word("seen", language).format(grouped(carrier.reach, language)))
    name = Span(single_line(carrier.author, _MAX_TERM), link(carrier.url))
    return (name, Span(f"{word('colon', language)}{', '.join(facts)}"))


def _lifts(lifts: Sequence[Lift], names: Sequence[str], language: Language) -> list[Line]:
    """With their numbers, where there are any."""
    if not lifts:
        return list(_listed(names, language))
    lines = [_lift(lift, language) for lift in lifts[:_MAX_SHOWN]]
    return [*lines, *_left_out(len(lifts) - _MAX_SHOWN, language)]


def _lift(lift: Lift, language: Language) -> Line:
    """The significance as that of the signals: the root of a log-likelihood ratio is a deviate."""
    expected = word("expected", language).format(_number(lift.expected, language))
    deviate = grouped(math.sqrt(max(lift.significance, 0.0)), language)
    significance = word("significance", language).format(deviate)
    term = quoted(single_line(lift.term, _MAX_TERM), language)
    count = grouped(lift.count, language)
    return (Span(f"{term}{word('colon', language)}{count} ({expected}, {significance})"),)


def _listed(texts: Sequence[str], language: Language) -> tuple[Line, ...]:
    if not texts:
        return ()
    shown = ", ".join(quoted(single_line(text, _MAX_TERM), language) for text in texts[:_MAX_SHOWN])
    return ((Span(shown),), *_left_out(len(texts) - _MAX_SHOWN, language))


def _left_out(count: int, language: Language) -> list[Line]:
    return [(Span(word("more", language).format(count)),)] if count > 0 else []


def _posts(alert: Alert, style: Style) -> list[Line]:
    shown, language = alert.evidence.shown, style.language
    if not shown:
        return list(_listed(alert.evidence.posts, language))
    lines = [_post(post, style) for post in shown[:_MAX_SHOWN]]
    return [*lines, *_left_out(len(shown) - _MAX_SHOWN, language)]


def _post(post: ShownPost, style: Style) -> Line:
    language = style.language
    facts = [when(post.at, style)]
    if post.reach:
        facts.append(word("seen", language).format(grouped(post.reach, language)))
    if post.score is not None:
        facts.append(word("felt", language).format(_signed(post.score, language)))
    name = single_line(post.id, _MAX_TERM)
    before = Span(f"{word(post.role, language)}{word('colon', language)}")
    return (before, Span(name, link(post.url)), Span(f" ({', '.join(facts)})"))


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
        f"{single_line(name, _MAX_TERM)} {grouped(count, language)} "
        f"({percent(count / total, language)})"
        for name, count in ordered[:_MAX_NAMED]
    ]
    if len(ordered) > _MAX_NAMED:
        parts.append(word("more", language).format(len(ordered) - _MAX_NAMED))
    return ", ".join(parts)
