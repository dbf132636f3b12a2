"""Takes deleted posts and erased authors out of an answer that was given before. Pure."""

from dataclasses import replace
from typing import Final

import msgspec

from tower.answers import Asked
from tower.desk.dry_run_job import DryRunExample, DryRunResult
from tower.live.withdrawals import Withdrawals
from tower.questions.alert_list import AlertAnswer, AlertsAnswer, ListedAlert
from tower.questions.author_ranks import AuthorsAnswer
from tower.questions.mention_list import MentionsAnswer
from tower.questions.question import Answer

_SHOWN: Final = (MentionsAnswer, AuthorsAnswer, AlertsAnswer, AlertAnswer)


def without_withdrawn(withdrawn: Withdrawals, asked: Asked) -> Asked:
    """The outcome without what has left the stream since."""
    if not isinstance(asked.answer, _SHOWN):
        return asked
    return replace(asked, answer=_filtered(withdrawn, asked.answer))


def _filtered(withdrawn: Withdrawals, answer: Answer) -> Answer:
    # A copy: the answer is kept for others, and a post may come back.
    if isinstance(answer, MentionsAnswer):
        kept = [
            one for one in answer.mentions if not withdrawn.hides(one.mention.post, one.version)
        ]
        return msgspec.structs.replace(answer, mentions=kept)
    if isinstance(answer, AuthorsAnswer):
        authors = [one for one in answer.authors if not withdrawn.erased(one.source, one.id)]
        return msgspec.structs.replace(answer, authors=authors)
    if isinstance(answer, AlertsAnswer):
        alerts = [_room(withdrawn, one) for one in answer.alerts]
        return msgspec.structs.replace(answer, alerts=alerts)
    if isinstance(answer, AlertAnswer) and answer.found is not None:
        return msgspec.structs.replace(answer, found=_room(withdrawn, answer.found))
    return answer


def dry_run_without_withdrawn(withdrawn: Withdrawals, result: DryRunResult) -> DryRunResult:
    """The result without the examples that have left the stream since."""

    def left(examples: list[DryRunExample]) -> list[DryRunExample]:
        return [one for one in examples if not withdrawn.hides(one.post, one.version)]

    return msgspec.structs.replace(
        result, gained_posts=left(result.gained_posts), lost_posts=left(result.lost_posts)
    )


def _room(withdrawn: Withdrawals, found: ListedAlert) -> ListedAlert:
    evidence = found.alert.evidence
    shown = [post for post in evidence.shown if not withdrawn.deleted(post.id)]
    if len(shown) == len(evidence.shown):
        return found
    alert = msgspec.structs.replace(
        found.alert, evidence=msgspec.structs.replace(evidence, shown=shown)
    )
    return msgspec.structs.replace(found, alert=alert)
