"""Makes a report: asks its questions, and keeps their answers in the form that is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from schemas.errors import ServiceUnavailable
from schemas.types import JsonObject
from tower.answers import Answers
from tower.questions.alert_list import ALERT, AlertAnswer, AlertAsk, ListedAlert
from tower.questions.question import Answer, Ask, Context, Question
from tower.questions.scope import BadParameter
from tower.reports.frozen_answer import Term, freeze, terms_in
from tower.reports.report_kinds import Plan, ReportAsk, plan_of, report_id, settled
from tower.reports.report_store import StoredReport, StoredSection
from tower.reports.term_authors import (
    TERM_AUTHORS,
    TermAuthorsAnswer,
    TermAuthorsAsk,
    written,
)

TOGETHER: Final = 6
"""Questions in one request: a small engine answers one after the other, within one deadline."""


async def make_report(answers: Answers, context: Context, ask: ReportAsk, by: str) -> StoredReport:
    """The report of what is asked for, not stored yet.

    :raises BadParameter: a parameter is wrong, or there is no such alert.
    :raises QueryError: the query is wrong.
    :raises ServiceUnavailable: a question has no answer; there are no half reports.
    """
    ask = settled(ask, context.now)
    found = None if ask.kind != "alert" else await _alert(answers, ask.alert or "")
    plan = plan_of(ask, context, found)
    asked = list(zip([one.question for one in plan.sections], plan.asks(), strict=True))
    given = await _given(answers, asked)
    kept = await _frozen(answers, [own for _, own in asked], given)
    return StoredReport(
        id=report_id(ask, context.now),
        kind=ask.kind,
        parameters=msgspec.to_builtins(ask),
        made_by=by,
        made_at=context.now,
        since=_window(plan)[0],
        until=_window(plan)[1],
        brand=plan.brand,
        sections=[
            StoredSection(
                name=panel.name,
                question=panel.question.name,
                ask=_asked(own),
                answer=answer,
            )
            for panel, (_, own), answer in zip(plan.sections, asked, kept, strict=True)
        ],
    )


async def _frozen(
    answers: Answers, asks: Sequence[Ask], given: Sequence[Answer]
) -> list[JsonObject]:
    """The answers as they are stored: with the terms that enough authors of their window used."""
    wanted: dict[Ask, dict[Term, None]] = {}
    for ask, answer in zip(asks, given, strict=True):
        if terms := dict.fromkeys(terms_in(answer)):
            wanted.setdefault(_scope(ask), {}).update(terms)
    counts: dict[Ask, dict[Term, int]] = {}
    for scope, terms in wanted.items():
        asked = TermAuthorsAsk(
            q=scope.q, since=scope.since, until=scope.until, tz=scope.tz, terms=written(terms)
        )
        (answer,) = await _given(answers, [(TERM_AUTHORS, asked)])
        authors = cast("TermAuthorsAnswer", answer).authors
        counts[scope] = dict(zip(terms, authors, strict=False))
    return [
        freeze(answer, counts.get(_scope(ask), {})) for ask, answer in zip(asks, given, strict=True)
    ]


def _scope(ask: Ask) -> Ask:
    """The query and the window of a section."""
    return Ask(q=ask.q, since=ask.since, until=ask.until, tz=ask.tz)


def _asked(ask: Ask) -> JsonObject:
    """The parameters of a section; ids of posts are in its answer, where an erasure finds them."""
    given: JsonObject = msgspec.to_builtins(ask)
    return {name: value for name, value in given.items() if name != "ids"}


def _window(plan: Plan) -> tuple[datetime, datetime]:
    assert plan.page.since is not None
    assert plan.page.until is not None
    return plan.page.since, plan.page.until


async def _alert(answers: Answers, alert_id: str) -> ListedAlert:
    (answer,) = await _given(answers, [(ALERT, AlertAsk(id=alert_id))])
    found = cast("AlertAnswer", answer).found
    if found is None:
        raise BadParameter("alert", f"there is no alert {alert_id[:100]!r}")
    return found


async def _given(answers: Answers, asked: Sequence[tuple[Question[Any, Any], Ask]]) -> list[Answer]:
    given: list[Answer] = []
    for first in range(0, len(asked), TOGETHER):
        for one in await answers.ask_all(asked[first : first + TOGETHER]):
            if one.answer is None or one.error is not None:
                raise ServiceUnavailable(one.error or "the index gave no answer")
            given.append(one.answer)
    return given
