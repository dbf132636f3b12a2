"""A report as blocks of sentences and small tables, in the reader's language: for mail and PDF.

Text of the public is data here: whoever writes a block escapes it. Without ``texts`` a block has
neither a text of a post nor a name of an author, since what is mailed cannot be taken back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from tower.pages.post_card import clean
from tower.pages.vocabulary import Words, texts
from tower.questions.alert_list import AlertsAnswer
from tower.questions.aspect_opinions import VoiceAnswer
from tower.questions.author_ranks import AuthorsAnswer
from tower.questions.mention_list import MentionsAnswer
from tower.questions.question import Answer
from tower.reports.block_rows import (
    MAX_ROWS,
    MAX_TERM,
    BlockRow,
    Reader,
    aspect_rows,
    headline,
    made,
    peer_rows,
)
from tower.reports.report_kinds import BEFORE, PEER
from tower.reports.report_lookup import OpenedReport
from tower.routes.api_routes import table

PEERS: Final = ("peers", "peer_aspects")
"""Blocks of a comparison that are made of several answers."""
_OF_PEOPLE: Final = (MentionsAnswer, AuthorsAnswer)


@dataclass(frozen=True)
class Block:
    name: str
    title: str
    columns: Sequence[str] = ()
    rows: Sequence[BlockRow] = ()
    notes: Sequence[str] = ()
    picture: Markup | None = None


def section_title(words: Words, name: str) -> str:
    """The heading of a section."""
    table = texts(words.language)
    return table.get(f"report.{name}") or table.get(f"panel.{name}") or clean(name, MAX_TERM)


def subject_of(opened: OpenedReport, words: Words, brands: Mapping[str, str]) -> str:
    """What the report is about: the brand's name, the query, or everything."""
    report = opened.report
    if report.emptied:
        return "—"
    if report.brand is not None and report.query in ("", f"brand:{report.brand}"):
        return clean(brands.get(report.brand, report.brand), MAX_TERM)
    return clean(report.query, 100) or words("tab.everything")


def heading_of(opened: OpenedReport, words: Words, brands: Mapping[str, str]) -> str:
    """``Velmora: day of 02 Mar 2026``."""
    report = opened.report
    about = subject_of(opened, words, brands)
    if report.kind == "alert":
        return words("report.of_alert", about, words.when(report.since + BEFORE))
    return words(f"report.of_{report.kind}", about, words.day(report.since))


def facts_of(opened: OpenedReport, words: Words) -> list[str]:
    """How it was made, and what it lacks."""
    report = opened.report
    lines = [
        words("report.window", words.when(report.since), words.when(report.until)),
        words("report.made", words.when(report.made_at), clean(report.made_by, MAX_TERM)),
        words("report.query", clean(report.query, 1_000) or words("tab.everything")),
    ]
    if report.emptied:
        return [words("report.emptied")]
    if not report.whole:
        lines.append(words("report.not_over"))
    if report.partial:
        lines.append(words("panel.partial"))
    lines += [words("report.blind", each) for each in _blind(opened, words)]
    if opened.missing:
        lines.append(words("report.missing", words.number(opened.missing)))
    if opened.error:
        lines.append(words("report.no_lookup", clean(opened.error, 300)))
    return lines


def _blind(opened: OpenedReport, words: Words) -> Iterator[str]:
    """The sources of which nothing was heard, as alerts of no data tell."""
    answer = opened.answer("alarms")
    for one in answer.alerts if isinstance(answer, AlertsAnswer) else ():
        if one.alert.kind == "blind":
            yield headline(one, words)


def blocks_of(
    opened: OpenedReport,
    words: Words,
    *,
    texts: bool,
    pictures: Mapping[str, Markup] | None = None,
) -> list[Block]:
    """The sections that have something to tell, in their order; pictures are given by name."""
    reader, drawn = Reader(words, texts), pictures or {}
    blocks: list[Block] = []
    peers = [
        (name.removeprefix(PEER), one.answer)
        for name, one in opened.sections.items()
        if name.startswith(PEER)
    ]
    if peers:
        blocks += _comparison(opened, reader, peers)
    for name, section in opened.sections.items():
        if name.startswith(PEER):
            continue
        columns, rows, notes = made(reader, name, section.answer)
        title = section_title(words, name)
        block = Block(name, title, columns, rows[:MAX_ROWS], notes, drawn.get(name))
        if block.rows or block.notes or block.picture is not None:
            blocks.append(block)
    return blocks


def _comparison(
    opened: OpenedReport, reader: Reader, peers: Sequence[tuple[str, Answer]]
) -> Iterator[Block]:
    words, voice = reader.words, opened.answer("voice")
    yield Block(PEERS[0], words("report.peers"), *peer_rows(reader, peers))
    if isinstance(voice, VoiceAnswer):
        yield Block(PEERS[1], words("report.peer_aspects"), *aspect_rows(reader, voice))


def csv_of(opened: OpenedReport, name: str, *, texts: bool) -> str | None:
    """The table of one section as CSV, with the columns of its question.

    None: there is no such section, or it is of posts and authors and ``texts`` is not asked for.
    """
    section = opened.sections.get(name)
    if section is None or (not texts and isinstance(section.answer, _OF_PEOPLE)):
        return None
    return table(section.panel.question, section.answer)
