"""An answer that was given before a delete or an erasure does not show what has left since."""

from datetime import UTC, datetime

import msgspec

from schemas.alert import Evidence, ShownPost
from tests import make
from tower.answers import Asked
from tower.desk.dry_run_job import DryRunExample, DryRunResult
from tower.live.withdrawals import Withdrawals
from tower.questions.alert_list import AlertAnswer, AlertsAnswer, alert_of
from tower.questions.author_ranks import AuthorRank, AuthorsAnswer
from tower.questions.mention_list import ListedMention, MentionsAnswer
from tower.questions.question import Answer
from tower.questions.volume_series import VolumeAnswer
from tower.withdrawn_answers import dry_run_without_withdrawn, without_withdrawn

AT = datetime(2026, 3, 2, tzinfo=UTC)


def withdrawn() -> Withdrawals:
    """Post ``x:1`` is deleted up to version 5, and the account ``ben`` is erased."""
    gone = Withdrawals()
    gone.take(make.enriched(make.delete("x:1", 5)))
    gone.take(make.enriched(make.erase("ben", 9, "x")))
    return gone


def shown(answer: Answer) -> Answer:
    before = msgspec.json.encode(answer)
    asked = without_withdrawn(withdrawn(), Asked(answer, "the index is away", 7.0))
    assert asked.answer is not None
    assert (asked.error, asked.age_s) == ("the index is away", 7.0)
    assert msgspec.json.encode(answer) == before, "it is kept for others, who may see it again"
    return asked.answer


def listed(number: int, author: str = "ana", version: int = 1) -> ListedMention:
    post = make.post(id=f"x:{number}", author=author)
    return ListedMention(version=version, at=AT, mention=make.mention(post))


def test_a_list_of_mentions_is_without_them() -> None:
    mentions = [listed(1), listed(2, "ben"), listed(3), listed(1, version=6)]
    answer = shown(MentionsAnswer(total=4, mentions=mentions, as_of=AT))
    assert isinstance(answer, MentionsAnswer)
    assert [(one.mention.post.id, one.version) for one in answer.mentions] == [
        ("x:3", 1),
        ("x:1", 6),
    ]
    assert answer.as_of == AT


def test_the_examples_of_a_dry_run_are_without_them() -> None:
    def example(number: int, author: str = "ana", version: int = 1) -> DryRunExample:
        post = make.post(id=f"x:{number}", author=author)
        return DryRunExample(post=post, version=version)

    result = DryRunResult(
        gained=4,
        gained_posts=[example(1), example(2, "ben"), example(3), example(1, version=6)],
        lost_posts=[example(4, "ben")],
    )
    left = dry_run_without_withdrawn(withdrawn(), result)
    assert [one.post.id for one in left.gained_posts] == ["x:3", "x:1"]
    assert (left.lost_posts, left.gained) == ([], 4)


def test_a_list_of_authors_is_without_them() -> None:
    authors = [AuthorRank(id=id_, source=source) for id_, source in (("ben", "x"), ("ben", "y"))]
    answer = shown(AuthorsAnswer(authors=authors))
    assert isinstance(answer, AuthorsAnswer)
    assert [one.source for one in answer.authors] == ["y"]


def test_alerts_show_no_deleted_post() -> None:
    posts = [ShownPost(id=f"x:{number}", role="first", at=AT) for number in (1, 2)]
    alert = make.alert(evidence=Evidence(shown=posts, mentions=9))
    found = alert_of(msgspec.json.decode(msgspec.json.encode(alert)))
    room = shown(AlertAnswer(found=found))
    assert isinstance(room, AlertAnswer) and room.found is not None
    listing = shown(AlertsAnswer(alerts=[found]))
    assert isinstance(listing, AlertsAnswer)
    for one in (room.found, listing.alerts[0]):
        assert [post.id for post in one.alert.evidence.shown] == ["x:2"]
        assert one.alert.evidence.mentions == 9
    assert shown(AlertAnswer()) == AlertAnswer()


def test_counts_and_errors_pass_as_they_are() -> None:
    answer = VolumeAnswer(mentions=7)
    assert shown(answer) is answer
    nothing = Asked(None, "away")
    assert without_withdrawn(withdrawn(), nothing) is nothing
