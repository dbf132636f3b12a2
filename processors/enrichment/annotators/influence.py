"""Annotates how far a post may carry, from what its platform said of it and of its author."""

from collections.abc import Sequence
from datetime import UTC, datetime

from processors.enrichment.annotators.base import Annotator
from schemas.mention import Influence, Mention
from schemas.post import Metrics, Post

_MAX_COUNT = 2**53
_FIRST_NETWORK = datetime(1995, 1, 1, tzinfo=UTC)
"""No account on any platform is older: what claims to be (1970, year 1) is an unset field."""


class InfluenceAnnotator(Annotator):
    """Gathers the inputs of influence; what to make of them is for the detectors to say."""

    name = "influence"
    heavy = False
    version = "counts-1"

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            post = mention.post
            mention.influence = Influence(
                reach=post.author.followers or 0,
                engagement=_engagement(post.metrics),
                amplified=post.repost_of is not None and post.quote_of is None,
                account_age_days=account_age_days(post),
            )


def account_age_days(post: Post) -> int | None:
    """Whole days from the account's opening to the post; None where nobody knows.

    An account that is younger than its post is a clock or a field gone wrong, and so is one that
    is older than the networks: to guess 0 would make a bot of it.
    """
    opened = post.author.created_at
    if opened is None or not _FIRST_NETWORK <= opened <= post.created_at:
        return None
    return (post.created_at - opened).days


def _engagement(metrics: Metrics) -> int:
    counts = (metrics.likes, metrics.reposts, metrics.replies, metrics.quotes)
    return min(_MAX_COUNT, sum(count or 0 for count in counts))
