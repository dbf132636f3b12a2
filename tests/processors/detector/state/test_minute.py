"""A closed minute is the whole of what was counted in it."""

from hypothesis import given
from hypothesis import strategies as st

from processors.detector.state.counts import BrandCounts, minute_of
from processors.detector.state.minute import closed, opened
from tests.processors.detector.storms import START, record, said

POSTS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["positive", "negative"]), st.booleans()),
    min_size=1,
    max_size=12,
)
FIRST = minute_of(START)


def counts_of(posts: list[tuple[int, str, bool]], closes: bool) -> BrandCounts:
    counts = BrandCounts()
    for number, (minute, tone, is_grave) in enumerate(posts):
        fields = {**said(tone), "intents": ["crisis"] if is_grave else []}
        counts.add(record(number, START.replace(minute=minute), **fields))
        if closes:
            counts.close()
    return counts


@given(POSTS)
def test_what_is_closed_can_be_opened_again(posts: list[tuple[int, str, bool]]) -> None:
    for minute in counts_of(posts, closes=False).between(FIRST, FIRST + 10):
        short = closed(minute)
        assert opened(short) == minute
        assert short.has_posts and short.has_authors
        numbers = short.mentions, short.scored, short.negative, short.lexicon, short.reach
        assert numbers == (
            minute.mentions, minute.scored, minute.negative, minute.lexicon, minute.reach
        )  # fmt: skip


@given(POSTS)
def test_minutes_that_close_early_count_alike(posts: list[tuple[int, str, bool]]) -> None:
    counts, plain = counts_of(posts, closes=True), counts_of(posts, closes=False)
    assert counts.snapshot() == plain.snapshot()
    assert counts.between(FIRST, FIRST + 10) == plain.between(FIRST, FIRST + 10)
    assert counts.mentions == plain.mentions == len(posts)
    for one in (counts, plain):
        one.strip(FIRST + 3)
    assert counts.snapshot() == plain.snapshot()
