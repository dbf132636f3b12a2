"""The window of copies: groups, time, order, bounds and snapshots."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.state.near_duplicates import DuplicateWindow, WindowState
from text.fingerprint import duplicate_keys

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEXTS = [
    "Velmora is down again in Nantes",
    "Velmora is down again in Rennes",
    "the new Corvane phone is a delight to hold",
    "the new Corvane phone was a delight to hold",
    "I waited two hours for a bus that never came and then walked home in the rain, thanks",
    "I waited two hours for a train that never came and then walked home in the rain, thanks",
    "thanks",
]
KEYS = dict(zip(TEXTS, duplicate_keys(TEXTS), strict=True))
Step = tuple[int, str, int]
STEPS = st.lists(
    st.tuples(
        st.integers(0, 300),  # minutes
        st.sampled_from([f"x:{number}" for number in range(12)]),
        st.integers(0, len(TEXTS) - 1),
    ),
    max_size=40,
)


def add(window: DuplicateWindow, minutes: float, post_id: str, text: str = TEXTS[0]) -> str:
    return window.add(AT + timedelta(minutes=minutes), post_id, KEYS[text])


def run(window: DuplicateWindow, steps: list[Step]) -> list[str]:
    return [add(window, minutes, post_id, TEXTS[text]) for minutes, post_id, text in steps]


def test_copies_and_light_edits_are_the_group_of_the_first() -> None:
    window = DuplicateWindow(HOUR)
    groups = [add(window, place, f"x:{place}", text) for place, text in enumerate(TEXTS)]
    assert groups == ["x:0", "x:0", "x:2", "x:2", "x:4", "x:4", "x:6"]
    assert len(window) == 3


def test_a_text_that_says_nothing_is_never_a_copy() -> None:
    window = DuplicateWindow(HOUR)
    assert [add(window, 0, post_id, "thanks") for post_id in ("x:1", "x:2")] == ["x:1", "x:2"]
    assert len(window) == 0


def test_a_wave_is_one_group_however_long_it_lasts() -> None:
    window = DuplicateWindow(HOUR)
    assert {add(window, 50 * step, f"x:{step}") for step in range(10)} == {"x:0"}


def test_after_the_window_a_copy_is_new() -> None:
    window = DuplicateWindow(HOUR)
    assert add(window, 0, "x:1") == "x:1"
    assert add(window, 60, "x:2") == "x:1"
    assert add(window, 121, "x:3") == "x:3"
    assert len(window) == 1


def test_late_posts_find_their_group() -> None:
    window = DuplicateWindow(HOUR)
    assert add(window, 100, "x:1") == "x:1"
    assert add(window, 60, "x:2") == "x:1"
    assert add(window, 20, "x:3") == "x:1"  # near x:2, though long before x:1
    assert add(window, -90, "x:4") == "x:4"


def test_what_is_older_than_the_window_is_not_remembered() -> None:
    window = DuplicateWindow(HOUR)
    add(window, 300, "x:1", TEXTS[2])
    assert add(window, 0, "x:2") == "x:2"
    assert add(window, 1, "x:3") == "x:3"
    assert len(window) == 1


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


def test_a_redelivery_is_of_the_same_group() -> None:
    window = DuplicateWindow(HOUR)
    assert [add(window, 0, post_id) for post_id in ("x:1", "x:2", "x:1", "x:2")] == ["x:1"] * 4


def test_an_edit_may_make_it_another_group() -> None:
    window = DuplicateWindow(HOUR)
    add(window, 0, "x:1")
    assert add(window, 0, "x:1", TEXTS[2]) == "x:1"
    assert add(window, 0, "x:2", TEXTS[2]) == "x:1"
    assert add(window, 0, "x:3") == "x:3"
    assert len(window) == 2


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
    add(window, 0, "x:1")
    assert window.add(at, "x:2", KEYS[TEXTS[0]]) in ("x:1", "x:2")
    assert window.add(at, "x:3", KEYS[TEXTS[2]]) == "x:3"


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
