"""The brake stops on too large a share and on too long a run, and on nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.kafka.brake import Brake
from schemas.errors import BrakeTripped

BATCHES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30)


def expected(
    batches: list[tuple[int, int]], share: float, window: int, consecutive: int
) -> int | None:
    """By the definition: the first batch after which it has to stop, or None."""
    seen: list[bool] = []
    for number, (good, bad) in enumerate(batches):
        seen += [False] * good + [True] * bad
        recent = seen[-window:]
        if len(recent) == window and sum(recent) / window > share:
            return number
        run = 0
        while run < len(seen) and seen[-1 - run]:
            run += 1
        if run > consecutive:
            return number
    return None


@given(
    BATCHES,
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]),
    st.integers(1, 40),
    st.integers(1, 60),
)
@settings(max_examples=300)
def test_it_stops_where_the_definition_says(
    batches: list[tuple[int, int]], share: float, window: int, consecutive: int
) -> None:
    brake, stopped = Brake(share, window, consecutive), None
    for number, (good, bad) in enumerate(batches):
        try:
            brake.record(good, bad)
        except BrakeTripped:
            stopped = number
            break
    assert stopped == expected(batches, share, window, consecutive)


def test_all_good_never_stops() -> None:
    brake = Brake(0.0, 10, 1)
    for _ in range(100):
        brake.record(1_000, 0)
    assert brake.record(0, 0) is None


def test_all_bad_stops_at_the_run() -> None:
    brake = Brake(1.0, 1_000, 50)
    brake.record(0, 50)
    with pytest.raises(BrakeTripped, match="51 messages in a row"):
        brake.record(0, 1)


def test_a_share_over_the_limit_stops_once_the_window_is_full() -> None:
    brake = Brake(0.5, 100, 1_000)
    for _ in range(33):
        brake.record(1, 2)
    with pytest.raises(BrakeTripped, match="66 of the last 100"):
        brake.record(1, 0)


def test_a_share_at_the_limit_goes_on() -> None:
    brake = Brake(0.5, 100, 1_000)
    for _ in range(500):
        brake.record(1, 1)
    with pytest.raises(BrakeTripped):
        brake.record(0, 1)


def test_one_good_message_ends_a_run() -> None:
    brake = Brake(1.0, 10, 3)
    for _ in range(20):
        brake.record(0, 2)
        brake.record(1, 0)
    with pytest.raises(BrakeTripped):
        brake.record(0, 4)


def test_it_says_what_to_do_and_ends_for_good() -> None:
    with pytest.raises(BrakeTripped) as caught:
        Brake(0.5, 10, 1).record(0, 5_000)
    assert "tocsin dead-letters list" in str(caught.value)
    assert caught.value.exit_status == 4
