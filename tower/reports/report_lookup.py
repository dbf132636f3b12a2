"""Opens a kept report: its answers with the posts and names that the index still has.

A post that was deleted and an author who was erased are found no more, so an old report shows
neither. What has left the stream in the last seconds is hidden too, before the index has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from runtime.logs import get_logger
from schemas.types import JsonObject
from tower.answers import Answers, Asked
from tower.live.withdrawals import Withdrawals
from tower.pages.page_table import Panel
from tower.questions.author_ranks import AuthorRank, AuthorsAnswer
from tower.questions.mention_list import MAX_IDS, POSTS, ListedMention, MentionsAnswer, PostsAsk
from tower.questions.question import (
    Answer,
    Ask,
    Question,
    Response,
    Row,
    Scope,
    Search,
    buckets,
    top_terms,
)
from tower.reports.frozen_answer import Account, Found, accounts_in, posts_in, thaw
from tower.reports.report_kinds import panel_of
from tower.reports.report_store import StoredReport
from tower.withdrawn_answers import without_withdrawn

MAX_ACCOUNTS: Final = 50
log = get_logger("tower")


class NamesAsk(Ask, frozen=True, kw_only=True):
    accounts: Annotated[
        str, Meta(max_length=60_000, description="JSON array of pairs: source and account id.")
    ]


def searches(ask: NamesAsk, scope: Scope) -> list[Search]:
    wanted = _accounts(ask)
    shown = {
        "top_hits": {
            "size": 1,
            "_source": ["author", "source"],
            "sort": [{"created_at": "desc"}],
        }
    }
    by_author = {**top_terms("author.id", MAX_ACCOUNTS), "aggs": {"shown": shown}}
    filters: list[JsonObject] = [
        {"terms": {"author.id": sorted({id_ for _, id_ in wanted})}},
        {"terms": {"source": sorted({source for source, _ in wanted})}},
    ]
    body = {
        "size": 0,
        "query": {"bool": {"filter": filters}},
        "aggs": {"sources": {**top_terms("source", MAX_ACCOUNTS), "aggs": {"authors": by_author}}},
    }
    return [Search("mentions", body)]


def _accounts(ask: NamesAsk) -> list[Account]:
    return msgspec.json.decode(ask.accounts, type=list[Account])


def read(ask: NamesAsk, scope: Scope, responses: list[Response]) -> AuthorsAnswer:
    """One entry an account that still has a post in the index."""
    wanted, found = set(_accounts(ask)), []
    for source in buckets(responses[0], "sources"):
        for bucket in source["authors"]["buckets"]:
            if (str(source["key"]), str(bucket["key"])) in wanted:
                found.append(_named(bucket["shown"]["hits"]["hits"][0]["_source"]))
    return AuthorsAnswer(distinct=len(found), authors=found)


def _named(source: JsonObject) -> AuthorRank:
    author = source["author"]
    return AuthorRank(
        id=author["id"],
        source=source["source"],
        handle=author.get("handle"),
        name=author.get("name"),
        url=author.get("url"),
        verified=author.get("verified"),
    )


def rows(answer: AuthorsAnswer) -> Sequence[Row]:
    return [(one.source, one.id, one.handle, one.name) for one in answer.authors]


NAMES: Final = Question(
    name="names",
    summary="Handles and names of accounts, of a post of each that is in the index.",
    ask=NamesAsk,
    answer=AuthorsAnswer,
    searches=searches,
    read=read,
    columns=("source", "id", "handle", "name"),
    rows=rows,
)
"""Asked by this module alone."""


@dataclass(frozen=True)
class OpenedSection:
    """A section with its panel and its answer, as the panels take it."""

    panel: Panel
    ask: JsonObject
    answer: Answer


@dataclass(frozen=True)
class OpenedReport:
    """``missing``: posts and accounts of it that are no longer in the index."""

    report: StoredReport
    sections: Mapping[str, OpenedSection]
    missing: int = 0
    error: str | None = None
    """Why posts and names could not be looked up."""

    def answer(self, name: str) -> Answer | None:
        section = self.sections.get(name)
        return None if section is None else section.answer


async def open_report(
    answers: Answers, withdrawn: Withdrawals, report: StoredReport
) -> OpenedReport:
    """The report with what the index still has of its posts and authors."""
    kept = [section.answer for section in report.sections]
    posts = list(dict.fromkeys(id_ for one in kept for id_ in posts_in(one)))
    accounts = list(dict.fromkeys(each for one in kept for each in accounts_in(one)))
    found, error = await _found(answers, withdrawn, posts, accounts)
    missing = len(posts) - len(found.posts) + len(accounts) - len(found.authors)
    sections = {}
    for section in report.sections:
        panel = panel_of(report.kind, section.name)
        if panel is None:
            continue
        try:
            answer = thaw(panel.question, section.answer, found)
        except msgspec.ValidationError as wrong:
            log.warning("a section is of another version", report=report.id, why=str(wrong))
            continue
        shown = without_withdrawn(withdrawn, Asked(answer)).answer
        assert shown is not None
        sections[section.name] = OpenedSection(panel, section.ask, shown)
    return OpenedReport(report, sections, missing if error is None else 0, error)


async def _found(
    answers: Answers, withdrawn: Withdrawals, posts: Sequence[str], accounts: Sequence[Account]
) -> tuple[Found, str | None]:
    asks: list[tuple[Question[Any, Any], Ask]] = []
    for first in range(0, len(posts), MAX_IDS):
        ids = msgspec.json.encode(posts[first : first + MAX_IDS]).decode()
        asks.append((POSTS, PostsAsk(ids=ids)))
    for first in range(0, len(accounts), MAX_ACCOUNTS):
        some = msgspec.json.encode(accounts[first : first + MAX_ACCOUNTS]).decode()
        asks.append((NAMES, NamesAsk(accounts=some)))
    there: dict[str, ListedMention] = {}
    named: dict[Account, AuthorRank] = {}
    error = None
    for one in await answers.ask_all(asks) if asks else ():
        if one.answer is None or one.error is not None:
            # The last good answer may have what was deleted since.
            error = one.error or "the index gave no answer"
            continue
        shown = without_withdrawn(withdrawn, one).answer
        if isinstance(shown, MentionsAnswer):
            there.update((each.mention.post.id, each) for each in shown.mentions)
        elif isinstance(shown, AuthorsAnswer):
            named.update(((each.source, each.id), each) for each in shown.authors)
    return Found(there, named), error
