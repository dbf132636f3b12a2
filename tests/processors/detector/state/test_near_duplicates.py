"""The window of copies: groups, time, order, bounds and snapshots."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.state.near_duplicates import DuplicateWindow, WindowState
from tests.make import AT
from text.fingerprint import duplicate_keys

HOUR = timedelta(hours=1)
TEXTS = [
    "Velmora is down again in Nantes",
    "VELMORA is down again in Nantes 😡",
    "the new Corvane phone is a delight to hold",
    "the new Corvane phone was a delight to hold",
    "I waited two hours for a bus that never came and then walked home in the rain, thanks",
    "I waited two hours for a train that never came and then walked home in the rain, thanks",
    "thanks",
]
KEYS = duplicate_keys(TEXTS)
Step = tuple[int, str, int]
"""Minutes, post id and number of the text."""
STEPS = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from([f"x:{number}" for number in range(12)]),
        st.integers(0, len(TEXTS) - 1),
    ),
    max_size=40,
)


def run(window: DuplicateWindow, steps: list[Step]) -> list[str]:
    return [window.add(AT + timedelta(minutes=at), post, KEYS[text]) for at, post, text in steps]


@pytest.mark.parametrize(
    ("posts", "groups", "remembered"),
    [
        pytest.param(
            [(n, n, n) for n in range(7)], [0, 0, 2, 2, 4, 4, 6], 3, id="copies and light edits"
        ),
        pytest.param([(0, 1, 6), (0, 2, 6)], [1, 2], 0, id="a text that says nothing"),
        pytest.param([(50 * n, n, 0) for n in range(10)], [0] * 10, 1, id="a long wave"),
        pytest.param([(0, 1, 0), (60, 2, 0), (121, 3, 0)], [1, 1, 3], 1, id="after the window"),
        # The third is near the second, though long before the first.
        pytest.param(
            [(100, 1, 0), (60, 2, 0), (20, 3, 0), (-90, 4, 0)], [1, 1, 1, 4], 1, id="late posts"
        ),
        pytest.param([(300, 1, 2), (0, 2, 0), (1, 3, 0)], [1, 2, 3], 1, id="older than the window"),
        pytest.param([(0, n, 0) for n in (1, 2, 1, 2)], [1] * 4, 1, id="a redelivery"),
        pytest.param([(0, 1, 0), (0, 1, 2), (0, 2, 2), (0, 3, 0)], [1, 1, 1, 3], 2, id="an edit"),
    ],
)
def test_the_group_of_a_post(
    posts: list[tuple[int, int, int]], groups: list[int], remembered: int
) -> None:
    window = DuplicateWindow(HOUR)
    found = run(window, [(minutes, f"x:{post}", text) for minutes, post, text in posts])
    assert found == [f"x:{group}" for group in groups]
    assert len(window) == remembered


def test_groups_do_not_drift_from_text_to_text() -> None:
    words = [f"word{number}" for number in range(16)]
    window = DuplicateWindow(HOUR)
    groups = []
    for step in range(8):
        words[step] = f"other{step}"
        (keys,) = duplicate_keys([" ".join(words)])
        groups.append(window.add(AT, f"x:{step}", keys))
    assert groups[1] == "x:0"
    assert groups[-1] != "x:0"


def test_memory_is_bounded_in_a_flood() -> None:
    window = DuplicateWindow(HOUR, max_groups=10)
    for number in range(100):
        window.add(AT, f"x:{number}", [f"w{number}"])
    assert len(window) == 10
    assert len(window.snapshot().groups) == 10
    assert window.add(AT, "x:again", ["w99"]) == "x:99"
    assert window.add(AT, "x:0 again", ["w0"]) == "x:0 again"


def test_a_key_that_everybody_has_costs_no_more() -> None:
    window = DuplicateWindow(HOUR)
    for number in range(1000):
        assert window.add(AT, f"x:{number}", ["aaaaaa", f"w{number}"]) == f"x:{number}"
    assert window.add(AT, "x:again", ["aaaaaa", "w7"]) == "x:7"


@pytest.mark.parametrize(
    "at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), AT]
)
def test_no_time_is_too_early_or_too_late(at: datetime) -> None:
    window = DuplicateWindow(timedelta(days=2))
    run(window, [(0, "x:1", 0)])
    assert window.add(at, "x:2", KEYS[0]) in ("x:1", "x:2")
    assert window.add(at, "x:3", KEYS[2]) == "x:3"


@pytest.mark.parametrize(("length", "most"), [(timedelta(0), 1), (-HOUR, 1), (HOUR, 0)])
def test_a_window_has_a_length_and_room(length: timedelta, most: int) -> None:
    with pytest.raises(ValueError, match="needs a length"):
        DuplicateWindow(length, most)


@given(STEPS, st.integers(0, 40), st.integers(1, 4))
def test_a_restored_window_goes_on_as_if_nothing_had_happened(
    steps: list[Step], cut: int, most: int
) -> None:
    window, again = DuplicateWindow(HOUR, most), DuplicateWindow(HOUR, most)
    groups = run(window, steps)
    before = run(again, steps[:cut])
    data = msgspec.json.encode(again.snapshot())
    restored = DuplicateWindow.restore(msgspec.json.decode(data, type=WindowState))
    assert before + run(restored, steps[cut:]) == groups
    assert restored.snapshot() == window.snapshot()


@given(STEPS)
def test_a_snapshot_is_a_copy(steps: list[Step]) -> None:
    window = DuplicateWindow(HOUR)
    state = window.snapshot()
    run(window, steps)
    assert state.groups == []
    state = window.snapshot()
    text = msgspec.json.encode(state)
    restored = DuplicateWindow.restore(state)
    run(restored, steps[::-1])
    run(window, steps[::-1])
    assert msgspec.json.encode(state) == text


@given(STEPS)
def test_every_group_is_named_after_a_post_that_was_seen(steps: list[Step]) -> None:
    window = DuplicateWindow(HOUR)
    seen: set[str] = set()
    for step in steps:
        seen.add(step[1])
        assert run(window, [step])[0] in seen
    assert len(window) <= len(seen)


ANY_KEYS = st.lists(st.sampled_from([f"{letter}{n}" for letter in "abmsw" for n in range(3)]))


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 15), ANY_KEYS), max_size=60))
def test_many_groups_have_an_index_and_few_the_same_answers_without(
    posts: list[tuple[int, int, list[str]]],
) -> None:
    indexed, compared = DuplicateWindow(HOUR, 20, indexed=0), DuplicateWindow(HOUR, 20)
    between = DuplicateWindow(HOUR, 20, indexed=3)
    for minutes, post, keys in posts:
        at = AT + timedelta(minutes=minutes)
        groups = {one.add(at, f"x:{post}", keys) for one in (indexed, compared, between)}
        assert len(groups) == 1
    assert indexed.snapshot() == compared.snapshot() == between.snapshot()
