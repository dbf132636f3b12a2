"""Annotates the inputs of influence: reach, engagement, age of the account.

They come from the platform; the detectors weigh them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from processors.enrichment.annotators.base import Annotator
from schemas.mention import Influence, Mention
from schemas.post import Post

_MAX_COUNT = 2**53
_FIRST_NETWORK = datetime(1995, 1, 1, tzinfo=UTC)
"""Older dates of an account (1970, year 1) are unset fields."""


class InfluenceAnnotator(Annotator):
    name = "influence"
    heavy = False
    whole = True
    version = "counts-1"

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            post, counts = mention.post, mention.post.metrics
            reactions = (counts.likes, counts.reposts, counts.replies, counts.quotes)
            mention.influence = Influence(
                reach=post.author.followers or 0,
                engagement=min(_MAX_COUNT, sum(count or 0 for count in reactions)),
                amplified=post.repost_of is not None and post.quote_of is None,
                account_age_days=account_age_days(post),
            )


def account_age_days(post: Post) -> int | None:
    """Whole days from the opening of the account to the post; None if unknown or impossible.

    Not 0 for impossible dates: that would make the account look like a bot.
    """
    opened = post.author.created_at
    if opened is None or not _FIRST_NETWORK <= opened <= post.created_at:
        return None
    return (post.created_at - opened).days
