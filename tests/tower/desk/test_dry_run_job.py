"""A dry run counts every post that one of the two queries finds, within bounds."""

from collections.abc import Iterator
from datetime import timedelta

from schemas.brand import Brand
from schemas.post import PostEvent
from tests import make
from tests.tower.questions.corpus import NOW
from tower.desk import dry_run_job
from tower.desk.dry_run_job import (
    MAX_EXAMPLE,
    MAX_EXAMPLES,
    MAX_POSTS,
    DryRunExample,
    DryRunRequest,
    DryRunResult,
    compare,
)

TEXTS = ["velmora en panne", "velmorra est en retard", "corvane", "Velmora et velmorra", "rien"]


def brand(query: str) -> Brand:
    return make.brand("velmora", query=query)


def posts(count: int = 5) -> Iterator[PostEvent]:
    for number in range(count):
        post = make.post(
            TEXTS[number % 5],
            id=f"x:{number}",
            author=f"account {number}",
            created_at=NOW - timedelta(minutes=number),
        )
        yield make.upsert(post)


def asked(before: str | None, after: str, hours: float = 24) -> DryRunRequest:
    return DryRunRequest(
        before=None if before is None else brand(before),
        after=brand(after),
        since=NOW - timedelta(hours=hours),
    )


def texts(examples: list[DryRunExample]) -> list[str]:
    return [one.post.text for one in examples]


def test_it_counts_what_a_query_gains_and_loses() -> None:
    result = compare(posts(), asked("velmora", "velmorra"))
    assert (result.posts, result.both, result.gained, result.lost) == (5, 1, 1, 1)
    assert result.complete
    assert result.oldest == NOW - timedelta(minutes=4)
    assert texts(result.gained_posts) == [TEXTS[1]]
    assert texts(result.lost_posts) == [TEXTS[0]]
    assert result.lost_posts[0].post.author.id == "account 0"


def test_a_new_brand_gains_all_that_it_finds() -> None:
    result = compare(posts(), asked(None, "velmora OR velmorra"))
    assert (result.both, result.gained, result.lost) == (0, 3, 0)


def test_the_same_query_changes_nothing() -> None:
    result = compare(posts(1_201), asked("velmora", "velmora"))
    assert (result.posts, result.gained, result.lost) == (1_201, 0, 0)
    assert result.both == 481


def test_posts_before_the_start_do_not_count() -> None:
    result = compare(posts(120), asked("velmora", "corvane", hours=1))
    assert result.posts == 61
    assert result.oldest == NOW - timedelta(hours=1)


def test_examples_are_few_and_short() -> None:
    long = (
        make.upsert(make.post("velmora " * 200, id=f"x:{number}", created_at=NOW))
        for number in range(50)
    )
    result = compare(long, asked(None, "velmora"))
    assert (result.gained, len(result.gained_posts)) == (50, MAX_EXAMPLES)
    assert all(len(text) == MAX_EXAMPLE for text in texts(result.gained_posts))


def test_what_left_the_stream_is_no_example() -> None:
    """Whenever it left: in the same batch, in a later one, or before an older state came again."""
    events = [*posts(5), make.delete("x:1", 2), *posts(1_000), make.erase("account 0", 9, "x")]
    result = compare(iter(events), asked("velmora", "velmorra"))
    ids = [one.post.id for one in (*result.gained_posts, *result.lost_posts)]
    # The last erasure takes one that nothing replaces.
    assert (len(result.gained_posts), len(result.lost_posts)) == (MAX_EXAMPLES, MAX_EXAMPLES - 1)
    assert not {"x:0", "x:1"} & set(ids)
    assert (result.posts, result.gained) == (1_005, 201)


def test_it_ends_within_its_time_and_says_so() -> None:
    times = iter([0.0, 10.0, 20.0, 61.0])
    result = compare(posts(10_000), asked("velmora", "velmora", hours=1_000), lambda: next(times))
    assert (result.posts, result.complete) == (1_500, False)


def test_no_posts_are_a_result() -> None:
    assert compare(iter([]), asked("velmora", "corvane")) == DryRunResult()


def test_the_bounds_of_a_dry_run_are_those_of_a_job() -> None:
    """It gives up by itself before the job's deadline ends it without a result."""
    assert dry_run_job.MAX_SECONDS < 120.0
    assert MAX_POSTS >= 100_000
