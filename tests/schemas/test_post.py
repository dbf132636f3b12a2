"""A post's parts refuse what they cannot mean; a message of before still reads."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import POST_EVENT
from schemas.errors import InvalidMessage
from schemas.post import PostUpsert, Rating
from tests import make
from tests.strategies import RATINGS


@pytest.mark.parametrize(
    ("value", "best", "worst", "says"),
    [
        (nan, 5, 1, "finite"),
        (inf, inf, 1, "finite"),
        (0, 1e308, -1e308, "finite"),
        (3, 1, 5, r"the best mark, 1.*, must be above the worst, 5"),
        (3, 3, 3, "must be above"),
        (6, 5, 1, r"a rating of 6.* is not on its scale, from 1.* to 5"),
        (0.99, 5, 1, "not on its scale"),
    ],
)
def test_a_rating_that_is_not_on_its_scale_is_refused(
    value: float, best: float, worst: float, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Rating(value=value, best=best, worst=worst)


def test_a_message_with_such_a_rating_is_refused_with_the_reason() -> None:
    line = POST_EVENT.encode(make.upsert(make.post(rating=Rating(value=4))))
    event = POST_EVENT.decode(line)
    assert isinstance(event, PostUpsert)
    assert event.post.rating == Rating(value=4, best=5, worst=1)
    with pytest.raises(InvalidMessage, match="not on its scale"):
        POST_EVENT.decode(line.replace(b'"value":4', b'"value":40'))


@given(RATINGS)
def test_a_rating_is_a_share_of_its_scale(rating: Rating) -> None:
    assert 0 <= rating.share <= 1
    assert Rating(value=rating.best, best=rating.best, worst=rating.worst).share == 1
    assert Rating(value=rating.worst, best=rating.best, worst=rating.worst).share == 0


@given(st.lists(st.floats(1, 5), min_size=2, max_size=2).map(sorted))
def test_a_higher_mark_is_no_lower_share(marks: list[float]) -> None:
    low, high = (Rating(value=mark) for mark in marks)
    assert low.share <= high.share
