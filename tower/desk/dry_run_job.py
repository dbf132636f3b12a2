"""A brand's new query against its present one, over the posts of the last day in Kafka.

``python -m tower.desk.dry_run_job`` reads what is asked from standard input and writes the counts
and some posts of each difference. It reads every post, not only mentions: what a wider query would
find is not in the index yet.
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from runtime.kafka.reader import partition_numbers, read_ranges, spans
from runtime.settings import KafkaSettings, load
from schemas.brand import Brand
from schemas.codec import POST_EVENT
from schemas.errors import InvalidMessage, TocsinError
from schemas.mention import Mention
from schemas.post import Post, PostEvent, PostUpsert
from schemas.types import Count, Time
from tower.live.withdrawals import Withdrawals

MAX_POSTS: Final = 300_000
MAX_SECONDS: Final = 60.0
MAX_EXAMPLES: Final = 5
MAX_EXAMPLE: Final = 400
"""Code points of an example's text."""
_BATCH: Final = 500
_SHARE: Final = 100_000
"""The newest messages of each partition that are read at most."""


class DryRunRequest(Struct, kw_only=True):
    before: Brand | None
    """The brand as it is published; None: a new one."""
    after: Brand
    since: Time


class DryRunExample(Struct, kw_only=True):
    """A post of a difference, its text cut."""

    post: Post
    version: int


class DryRunResult(Struct, kw_only=True):
    posts: Annotated[Count, Meta(description="Posts that were read.")] = 0
    oldest: Time | None = None
    complete: Annotated[bool, Meta(description="All posts since the start were read.")] = True
    both: Count = 0
    gained: Annotated[Count, Meta(description="Posts that only the new query finds.")] = 0
    lost: Annotated[Count, Meta(description="Posts that only the present query finds.")] = 0
    gained_posts: list[DryRunExample] = []
    lost_posts: list[DryRunExample] = []


def compare(
    events: Iterator[PostEvent],
    request: DryRunRequest,
    monotonic: Callable[[], float] = time.monotonic,
) -> DryRunResult:
    """The differences; reads at most ``MAX_POSTS`` posts for ``MAX_SECONDS`` seconds.

    What is deleted or erased further on in the stream is no example.
    """
    before = BrandMatcher([] if request.before is None else [request.before])
    after, result = BrandMatcher([request.after]), DryRunResult()
    withdrawn = Withdrawals()
    ends = monotonic() + MAX_SECONDS
    batch: list[PostUpsert] = []
    for event in events:
        withdrawn.take(event)
        if not isinstance(event, PostUpsert) or event.post.created_at < request.since:
            continue
        batch.append(event)
        if len(batch) == _BATCH:
            _take(result, batch, before, after, withdrawn)
            batch = []
            if result.posts >= MAX_POSTS or monotonic() > ends:
                result.complete = False
                break
    _take(result, batch, before, after, withdrawn)
    return result


def _take(
    result: DryRunResult,
    batch: list[PostUpsert],
    before: BrandMatcher,
    after: BrandMatcher,
    withdrawn: Withdrawals,
) -> None:
    for examples in (result.gained_posts, result.lost_posts):
        examples[:] = [one for one in examples if not withdrawn.hides(one.post, one.version)]
    mentions = [Mention(post=event.post) for event in batch]
    old, new = before.match_batch(mentions), after.match_batch(mentions)
    for event, was, is_ in zip(batch, old, new, strict=True):
        post, shown = event.post, not withdrawn.hides(event.post, event.version)
        result.posts += 1
        if result.oldest is None or post.created_at < result.oldest:
            result.oldest = post.created_at
        if was and is_:
            result.both += 1
        elif is_:
            result.gained += 1
            if shown:
                _show(result.gained_posts, event)
        elif was:
            result.lost += 1
            if shown:
                _show(result.lost_posts, event)


def _show(examples: list[DryRunExample], event: PostUpsert) -> None:
    if len(examples) < MAX_EXAMPLES:
        cut = replace(event.post, text=event.post.text[:MAX_EXAMPLE])
        examples.append(DryRunExample(post=cut, version=event.version))


def newest_events(settings: KafkaSettings) -> Iterator[PostEvent]:
    """The newest messages of each partition."""
    numbers = partition_numbers(settings, "posts")
    ranges = {
        number: (max(span.first, span.end - _SHARE), span.end)
        for number, span in spans(settings, "tower", "posts", numbers).items()
    }
    for record in read_ranges(settings, "tower", "posts", ranges):
        if record.value is None:
            continue
        try:
            yield POST_EVENT.decode(record.value)
        except InvalidMessage:  # a dead letter of the processors tells of it
            continue


def main() -> int:
    try:
        request = msgspec.json.decode(sys.stdin.buffer.read(), type=DryRunRequest)
        result = compare(newest_events(load(KafkaSettings)), request)
    except (TocsinError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
