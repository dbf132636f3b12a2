"""How much one name may ask, and that the memory of names is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tower.security.rate_limits import MAX_NAMES, Counter, RateLimit, TooMany


def test_so_many_at_a_time_and_no_more() -> None:
    counter = Counter(2)
    with counter.one("ana"), counter.one("ana"):
        assert counter["ana"] == 2
        with pytest.raises(TooMany), counter.one("ana"):
            pass
        with counter.one("ben"):
            assert counter["ben"] == 1
    assert counter["ana"] == 0
    with pytest.raises(ValueError, match="x"), counter.one("ana"):
        raise ValueError("x")
    assert counter["ana"] == 0, "a request that fails frees its place"


@given(st.lists(st.tuples(st.sampled_from(["ana", "ben"]), st.floats(0, 30)), max_size=60))
def test_no_window_has_more_than_the_limit(attempts: list[tuple[str, float]]) -> None:
    now = 0.0
    limit = RateLimit(3, 60.0, lambda: now)
    taken: dict[str, list[float]] = {"ana": [], "ben": []}
    for name, passed in attempts:
        now += passed
        recent = [at for at in taken[name] if at > now - 60.0]
        allowed = limit.take(name)
        assert allowed == (len(recent) < 3)
        if allowed:
            taken[name].append(now)


def test_a_refused_attempt_does_not_make_the_wait_longer() -> None:
    now = 0.0
    limit = RateLimit(1, 60.0, lambda: now)
    assert limit.take("ana")
    now = 59.0
    assert not limit.take("ana")
    now = 60.0
    assert limit.take("ana")


def test_the_memory_of_names_is_bounded() -> None:
    limit = RateLimit(1, 60.0, lambda: 0.0)
    assert limit.take("first")
    for number in range(MAX_NAMES):
        limit.take(f"name {number}")
    assert limit.take("first"), "the oldest name is forgotten"
    assert not limit.take(f"name {MAX_NAMES - 1}")
