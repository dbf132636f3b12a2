"""An alert as lines of facts, before they become plain text, HTML or blocks.

A report contains nothing that is not in the alert, or in the posts that the caller looked up. Text
of the public is cleaned here and escaped by the renderer.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from schemas.alert import Alert, Carrier, Evidence, Lift, ShownPost, Signal
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.post_texts import Published, PublishedPost, excerpt
from sinks.alerts.message.render import BREAK, Line, Report, Section, Span
from text.alert_title import blind_title, crisis_title, titled_afterwards
from text.terminal import printable, single_line

MAX_TITLE = 200
_MAX_TERM = 80
_MAX_SHOWN = 10
_MAX_NAMED = 8
_MAX_URL = 1_000
_MIN_RATIO = 0.1
"""The lowest baseline of which a multiple is meaningful."""
T = TypeVar("T")


def report(alert: Alert, style: Style, published: Published | None = None) -> Report:
    """``published``: the evidence's posts, for readers of the index; messages go without texts."""
    return _Writer(style, published).report(alert)


def post_lines(posts: Sequence[ShownPost], style: Style, published: Published | None) -> list[Line]:
    """A line a post: its role, author and facts, and its text if it is known."""
    writer = _Writer(style, published)
    return [writer.post(post) for post in posts]


def title(alert: Alert, style: Style) -> str:
    """The title in the language of the reader; without a headline, the English one."""
    headline = alert.headline
    if headline is None:
        return single_line(alert.title, MAX_TITLE)
    # Only the name is cleaned: the words around it need their non-breaking spaces.
    headline = replace(headline, name=single_line(headline.name, _MAX_TERM))
    if alert.kind == "blind":
        since = style.when(alert.began_at)
        return blind_title(headline.name, alert.status, since, style.locale)
    told = crisis_title(headline, alert.status, style.locale)
    return titled_afterwards(told, style.locale) if alert.found_afterwards else told


def flag(alert: Alert, style: Style) -> str:
    locale = style.locale
    return f"{locale.text('of_5', alert.severity)}, {locale.statuses[alert.status]}"


def link(url: str | None) -> str | None:
    """The address, percent-encoded, if it is safe to click: http or https, ASCII, without user.

    A user in an address imitates another host.
    """
    if url is None or len(url) > _MAX_URL or not url.isascii() or not url.isprintable():
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


def _term(text: str) -> str:
    return single_line(text, _MAX_TERM)


class _Writer:
    def __init__(self, style: Style, published: Published | None) -> None:
        self._style = style
        self._published = published
        self._locale = style.locale

    def report(self, alert: Alert) -> Report:
        evidence, texts = alert.evidence, self._locale.texts
        lifted, entities = evidence.lifted, evidence.lifted_entities
        sections = [
            Section("", [*self._about(), *self._summary(alert)]),
            Section(texts["moved"], [self._signal(signal) for signal in alert.signals]),
            Section(texts["who"], self._who(evidence)),
            Section(texts["carried"], self._first(evidence.carriers, self._carrier)),
            Section(texts["lifted"], self._first(lifted, self._lift)),
            Section(texts["entities"], self._first(entities, self._lift)),
            Section(texts["shown"], self._first(evidence.shown, self.post)),
            Section(texts["split"], self._split(evidence)),
        ]
        return Report(
            title=title(alert, self._style),
            flag=flag(alert, self._style),
            language=self._style.language,
            sections=[section for section in sections if section.lines],
            footer=f"{texts['alert']} {single_line(alert.id, MAX_TITLE)}",
        )

    def _facts(self, **values: str | None) -> list[Line]:
        """``Severity: 4 of 5``: a line for each value that is not None."""
        return [
            (Span(self._locale.labelled(self._locale.texts[key], value)),)
            for key, value in values.items()
            if value is not None
        ]

    def _about(self) -> list[Line]:
        """``About: “panne”, “Nantes”``."""
        if self._published is None or not self._published.about:
            return []
        words = ", ".join(self._locale.quoted(_term(word)) for word in self._published.about)
        return self._facts(**{self._published.basis: words})

    def _summary(self, alert: Alert) -> list[Line]:
        locale = self._locale
        lines = self._facts(
            brand=_term(alert.brand),
            severity=locale.text("of_5", alert.severity),
            status=locale.statuses[alert.status],
            kind=locale.kinds[alert.kind],
            since=self._style.when(alert.began_at),
            decided=self._style.when(alert.raised_at),
        )
        return [*lines, (Span(locale.texts["muted"]),)] if alert.muted else lines

    def _signal(self, signal: Signal) -> Line:
        """``mentions: 540 posts / 5 min, usually 61.5 (×8.8, significance 11.2)``."""
        locale, unit = self._locale, _term(signal.unit)
        change = signal.observed - signal.baseline
        if unit == "share":
            observed, baseline = locale.percent(signal.observed), locale.percent(signal.baseline)
            moved = [locale.text("points", locale.signed(change * 100))]
        else:
            observed = f"{locale.rounded(signal.observed)} {self._unit(unit)}".strip()
            baseline = locale.rounded(signal.baseline)
            if "/" in unit and signal.baseline >= _MIN_RATIO:
                moved = ["×" + locale.number(signal.observed / signal.baseline)]
            else:
                moved = [locale.signed(change)]
        if signal.significance is not None:
            moved.append(locale.text("significance", locale.number(signal.significance)))
        name = _term(signal.name)
        name = locale.signals.get(name, name)
        if signal.about is not None:
            name = f"{name} {locale.quoted(_term(signal.about))}"
        usually = locale.text("usually", baseline)
        return (Span(locale.labelled(name, f"{observed}, {usually} ({', '.join(moved)})")),)

    def _unit(self, unit: str) -> str:
        """``posts/5min`` as ``posts / 5 min``, translated if the unit has a word."""
        name, slash, per = unit.partition("/")
        digits = "".join(character for character in per if character.isdigit())
        name = self._locale.units.get(name, name)
        rest = per.removeprefix(digits)
        return f"{name} / {digits} {rest}".replace("  ", " ") if slash else name

    def _who(self, evidence: Evidence) -> list[Line]:
        locale, copies, kind = self._locale, evidence.duplicate_share, evidence.authenticity
        mentions, authors = evidence.mentions, evidence.distinct_authors
        return self._facts(
            mentions=locale.number(mentions) if mentions else None,
            distinct_authors=locale.number(authors) if authors else None,
            duplicates=None if copies is None else locale.percent(copies),
            authenticity=None if kind is None else locale.authenticity[kind],
        )

    def _first(self, items: Sequence[T], line: Callable[[T], Line]) -> list[Line]:
        """A line for each of the first items, and how many more there are."""
        lines = [line(item) for item in items[:_MAX_SHOWN]]
        if len(items) > _MAX_SHOWN:
            lines.append((Span(self._locale.text("more", len(items) - _MAX_SHOWN)),))
        return lines

    def _carrier(self, carrier: Carrier) -> Line:
        """With a link to a post of the author, since the hash alone is meaningless to people."""
        facts = [self._locale.counted("mentions", carrier.mentions), *self._reach(carrier.reach)]
        handles = {} if self._published is None else self._published.handles
        author = Span(_term(handles.get(carrier.author, carrier.author)), link(carrier.url))
        return (author, Span(self._locale.labelled("", ", ".join(facts))))

    def _lift(self, lift: Lift) -> Line:
        """The root of the log-likelihood ratio is a deviate, as the significance of a signal."""
        locale = self._locale
        expected = locale.text("expected", locale.rounded(lift.expected))
        deviate = locale.number(math.sqrt(max(lift.significance, 0.0)))
        significance = locale.text("significance", deviate)
        numbers = f"{locale.number(lift.count)} ({expected}, {significance})"
        return (Span(locale.labelled(locale.quoted(_term(lift.term)), numbers)),)

    def post(self, post: ShownPost) -> Line:
        facts = [self._style.when(post.at), *self._reach(post.reach)]
        if post.score is not None:
            facts.append(self._locale.text("felt", self._locale.signed(post.score)))
        role = Span(self._locale.labelled(self._locale.roles[post.role], ""))
        if self._published is None:
            return (role, Span(_term(post.id), link(post.url)), Span(f" ({', '.join(facts)})"))
        found = self._published.posts.get(post.id)
        if found is None:
            gone = Span(self._locale.texts["gone"])
            return (role, Span(_term(post.id)), Span(f" ({', '.join(facts)})"), BREAK, gone)
        facts.insert(0, _term(found.source))
        author = Span(_term(found.author), link(post.url))
        return (role, author, Span(f" ({', '.join(facts)})"), BREAK, *_text(excerpt(found)))

    def _reach(self, reach: int) -> list[str]:
        return [self._locale.text("seen", self._locale.number(reach))] if reach else []

    def _split(self, evidence: Evidence) -> list[Line]:
        return self._facts(
            sources=self._shares(evidence.sources),
            languages=self._shares(evidence.languages),
            countries=self._shares(evidence.countries),
        )

    def _shares(self, counts: Mapping[str, int]) -> str | None:
        """``x 500 (93%), bluesky 40 (7%)``, the largest first."""
        if not counts:
            return None
        locale, total = self._locale, sum(counts.values()) or 1
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        shares = [
            f"{_term(name)} {locale.number(count)} ({locale.percent(count / total)})"
            for name, count in ordered[:_MAX_NAMED]
        ]
        if len(ordered) > _MAX_NAMED:
            shares.append(locale.text("more", len(ordered) - _MAX_NAMED))
        return ", ".join(shares)


def _text(post: PublishedPost) -> list[Span]:
    """The text on one line, with its marks."""
    spans, at = [], 0
    for start, end in post.marks:
        spans += [Span(post.text[at:start]), Span(post.text[start:end], is_marked=True)]
        at = end
    rest = post.text[at:]
    return [
        Span(printable(span.text), None, span.is_marked)
        for span in [*spans, Span(rest)]
        if span.text
    ]
