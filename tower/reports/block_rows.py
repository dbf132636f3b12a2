"""The rows of a report's tables, one function a kind of answer; in the reader's language. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.report import title as alert_headline
from tower.pages.post_card import clean, web_link
from tower.pages.vocabulary import Words
from tower.questions.alert_list import AlertAnswer, AlertsAnswer, ListedAlert
from tower.questions.aspect_opinions import AspectsAnswer, VoiceAnswer
from tower.questions.author_ranks import AuthorsAnswer
from tower.questions.mention_list import ListedMention, MentionsAnswer
from tower.questions.question import Answer
from tower.questions.sentiment_estimate import MIN_SCORED, Share
from tower.questions.term_lifts import LiftsAnswer
from tower.questions.value_counts import ValuesAnswer
from tower.questions.volume_series import VolumeAnswer

MAX_ROWS: Final = 50
MAX_BY_HOUR: Final = timedelta(days=2)
"""A longer volume has a row a day."""
MIN: Final = datetime.min.replace(tzinfo=UTC)
MAX_TEXT: Final = 600
MAX_TERM: Final = 60


@dataclass(frozen=True)
class BlockRow:
    """``share``: length of its bar, 0 to 1; ``url``: where its first cell leads."""

    cells: Sequence[str]
    share: float | None = None
    url: str | None = None


@dataclass(frozen=True)
class Reader:
    """``texts``: whether posts are shown with their text, and authors with their name."""

    words: Words
    texts: bool


Made = tuple[list[str], list[BlockRow], list[str]]
"""Columns, rows and notes."""


def made(reader: Reader, name: str, answer: Answer) -> Made:
    """The table of a section; empty for an answer that is a picture alone."""
    if name == "facts" and isinstance(answer, VolumeAnswer):
        return _facts(reader, answer)
    make = _MAKERS.get(type(answer))
    return ([], [], []) if make is None else make(reader, answer)


def headline(one: ListedAlert, words: Words) -> str:
    """What happened, of the gravest state."""
    alert, gravest = one.alert, one.gravest
    if gravest is not None:
        alert = replace(
            alert, status=gravest.status, title=gravest.title, headline=gravest.headline
        )
    return clean(alert_headline(alert, Style(words.language, words.time_zone)), 200)


def share_text(words: Words, share: Share | None) -> str:
    """``34 % (30 % to 39 %)``."""
    if share is None:
        return words("facts.few", MIN_SCORED)
    text = words.percent(share.labelled)
    if share.low is None or share.high is None:
        return text
    interval = words("facts.interval", words.percent(share.low), words.percent(share.high))
    return f"{text} ({interval})"


def _facts(reader: Reader, answer: VolumeAnswer) -> Made:
    words = reader.words
    change = f" ({words.change(answer.mentions, answer.before)})" if answer.before else ""
    pairs = (
        (words("facts.mentions"), words.number(answer.mentions) + change),
        (words("facts.authors"), words.number(answer.authors)),
        (words("facts.texts"), words.number(answer.texts)),
        (words("facts.negative"), share_text(words, answer.negative)),
        (words("facts.reach"), words.number(answer.reach)),
    )
    return [], [BlockRow(pair) for pair in pairs], []


def _volume(reader: Reader, answer: VolumeAnswer) -> Made:
    """By local hours, or by local days; distinct authors of joined buckets cannot be added."""
    words = reader.words
    days = (answer.until or MIN) - (answer.since or MIN) > MAX_BY_HOUR
    counts: dict[datetime, tuple[int, int]] = {}
    for one in answer.series:
        local = one.at.astimezone(words.zone).replace(minute=0)
        key = local.replace(hour=0) if days else local
        mentions, negative = counts.get(key, (0, 0))
        counts[key] = mentions + one.mentions, negative + one.negative
    most = max((mentions for mentions, _ in counts.values()), default=0) or 1
    rows = [
        BlockRow(
            (
                words.day(at) if days else words.minute(at),
                words.number(mentions),
                words.number(negative),
            ),
            mentions / most,
        )
        for at, (mentions, negative) in counts.items()
    ]
    return [words("volume.from"), words("facts.mentions"), words("volume.negatives")], rows, []


def _alarms(reader: Reader, answer: AlertsAnswer) -> Made:
    words = reader.words
    rows = [
        BlockRow(
            (
                headline(one, words),
                f"{(one.gravest or one.alert).severity}/5",
                words.when(one.alert.began_at),
                words.label("standing", one.standing),
            )
        )
        for one in answer.alerts
    ]
    columns = [words("page.alert"), words("report.severity"), words("volume.from"), ""]
    return columns if rows else [], rows, [] if rows else [words("alerts.none")]


def _found(reader: Reader, answer: AlertAnswer) -> Made:
    """What moved, the states, what people did, and their verdict."""
    words, found = reader.words, answer.found
    if found is None:
        return [], [], [words("empty.none")]
    locale, graver = words.locale, found.gravest or found.alert
    rows = [
        BlockRow(
            (
                locale.signals.get(one.name, clean(one.name, MAX_TERM)),
                words.percent(one.observed)
                if one.unit == "share"
                else locale.rounded(one.observed),
                words.percent(one.baseline)
                if one.unit == "share"
                else locale.rounded(one.baseline),
            )
        )
        for one in graver.signals
    ]
    notes = [headline(found, words)]
    notes += [
        locale.labelled(words.when(one.at), f"{locale.statuses[one.status]}, {one.severity}/5")
        for one in found.states
    ]
    for action in found.desk.history:
        did = locale.actions[action.did].format(clean(words.label("verdict", action.to or ""), 60))
        line = locale.labelled(words.when(action.at), f"{clean(action.by, MAX_TERM)} {did}")
        text = clean(action.text or "", MAX_TEXT)
        notes.append(locale.labelled(line, text) if text else line)
    verdict = found.desk.verdict
    said = words.label("verdict", verdict) if verdict else words("report.no_verdict")
    notes.append(words("report.verdict", said))
    columns = [words("alert.signal"), words("alert.observed"), words("alert.baseline")]
    return columns, rows, notes


def _values(reader: Reader, answer: ValuesAnswer) -> Made:
    words = reader.words
    most = max((one.mentions for one in answer.values), default=0) or 1
    rows = [
        BlockRow(
            (
                clean(words.label(answer.field, one.value), MAX_TERM),
                words.number(one.mentions),
                words.number(one.negative),
            ),
            one.mentions / most,
            web_link(one.value) if answer.field == "link" else None,
        )
        for one in answer.values
    ]
    return ["", words("facts.mentions"), words("tone.negative")], rows, []


def _aspects(reader: Reader, answer: AspectsAnswer) -> Made:
    words = reader.words
    told = [one for one in answer.aspects if one.aspect != "other"][:8]
    most = max((one.mentions for one in told), default=0) or 1
    rows = [
        BlockRow(
            (
                clean(words.label("aspect", one.aspect), MAX_TERM),
                words.number(one.mentions),
                words.number(one.negative),
            ),
            one.mentions / most,
        )
        for one in told
    ]
    return ["", words("facts.mentions"), words("tone.negative")], rows, []


def _voice(reader: Reader, answer: VoiceAnswer) -> Made:
    words = reader.words
    whole = sum(one.mentions for one in answer.brands) or 1
    most = max((one.mentions for one in answer.brands), default=0) or 1
    rows = [
        BlockRow(
            (
                clean(one.name, MAX_TERM),
                words.number(one.mentions),
                words.percent(one.mentions / whole),
                words.number(one.negative),
            ),
            one.mentions / most,
        )
        for one in answer.brands
    ]
    columns = ["", words("facts.mentions"), words("panel.voice"), words("tone.negative")]
    return columns, rows, []


def _lifts(reader: Reader, answer: LiftsAnswer) -> Made:
    words = reader.words
    most = max((one.mentions for one in answer.terms), default=0) or 1
    rows = [
        BlockRow(
            (
                clean(one.term, MAX_TERM),
                words.number(one.mentions),
                words("alert.instead", words.locale.rounded(one.expected)),
            ),
            one.mentions / most,
            web_link(one.term) if one.field == "link" else None,
        )
        for one in answer.terms
    ]
    key, count = ("lifts.tried", answer.tried) if answer.tried else ("lifts.few", answer.before)
    return ["", words("facts.mentions"), ""], rows, [words(key, words.number(count))]


def _authors(reader: Reader, answer: AuthorsAnswer) -> Made:
    words = reader.words
    if not reader.texts:
        return [], [], []
    rows = [
        BlockRow(
            (
                clean(one.name or one.handle or one.id, 40),
                clean(one.source, 20),
                words.number(one.mentions),
                words.short(one.reach),
            )
        )
        for one in answer.authors
    ]
    columns = [
        words("authors.author"), words("report.col_source"), words("facts.mentions"),
        words("facts.reach"),
    ]  # fmt: skip
    return columns, rows, []


def _posts(reader: Reader, answer: MentionsAnswer) -> Made:
    words = reader.words
    rows = [_post(reader, one) for one in answer.mentions]
    if not rows:
        return [], [], [words("alert.no_posts")]
    columns = [words("volume.from"), words("report.col_source"), words("facts.reach")]
    return [*columns, words("report.col_text")] if reader.texts else columns, rows, []


def _post(reader: Reader, one: ListedMention) -> BlockRow:
    words, post = reader.words, one.mention.post
    reach = one.mention.influence.reach if one.mention.influence else 0
    cells = [words.when(post.created_at), clean(post.source, 20), words.short(reach)]
    if reader.texts:
        name = clean(post.author.name or post.author.handle or post.author.id, 40)
        cells.append(f"{' '.join(name.split())}: {clean(post.text, MAX_TEXT)}")
    return BlockRow(cells, None, web_link(post.url))


def peer_rows(reader: Reader, peers: Sequence[tuple[str, Answer]]) -> Made:
    """The brand and its peers, a row each."""
    words = reader.words
    volumes = [(name, one) for name, one in peers if isinstance(one, VolumeAnswer)]
    most = max((one.mentions for _, one in volumes), default=0) or 1
    rows = [
        BlockRow(
            (
                clean(name, MAX_TERM),
                words.number(one.mentions),
                words.change(one.mentions, one.before) if one.before else "",
                words.number(one.authors),
                share_text(words, one.negative),
                words.short(one.reach),
            ),
            one.mentions / most,
        )
        for name, one in volumes
    ]
    columns = [
        words("page.brands"), words("facts.mentions"), words("facts.before"),
        words("facts.authors"), words("facts.negative"), words("facts.reach"),
    ]  # fmt: skip
    return columns, rows, []


def aspect_rows(reader: Reader, answer: VoiceAnswer) -> Made:
    """What people are displeased with, an aspect a row and a brand a column: negative mentions."""
    names = [clean(one.name, MAX_TERM) for one in answer.brands]
    sums: dict[str, int] = {}
    for one in answer.brands:
        for aspect, count in one.aspects.items():
            sums[aspect] = sums.get(aspect, 0) + count
    told = sorted((aspect for aspect in sums if aspect != "other"), key=lambda it: (-sums[it], it))
    rows = [
        BlockRow(
            (
                clean(reader.words.label("aspect", aspect), MAX_TERM),
                *(reader.words.number(one.aspects.get(aspect, 0)) for one in answer.brands),
            )
        )
        for aspect in told[:10]
    ]
    return ["", *names], rows, []


_MAKERS: Final[Mapping[type[Any], Callable[..., Made]]] = {
    VolumeAnswer: _volume,
    AlertsAnswer: _alarms,
    AlertAnswer: _found,
    ValuesAnswer: _values,
    AspectsAnswer: _aspects,
    VoiceAnswer: _voice,
    LiftsAnswer: _lifts,
    AuthorsAnswer: _authors,
    MentionsAnswer: _posts,
}
