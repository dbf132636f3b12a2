"""Brands that learn together learn what each would learn alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.detector.state.volume import VolumeBaselines
from processors.detector.state.volume_batch import TOGETHER, learn_together
from tests.processors.detector.state.test_volume import fed

ROWS = st.lists(st.tuples(st.integers(0, 80), st.booleans()), max_size=40)
"""A volume of five minutes, and whether what waits is learnt after it."""


@given(st.lists(st.tuples(st.integers(0, 30), ROWS), min_size=2, max_size=7))
@settings(max_examples=25, deadline=None)
def test_counts_that_are_learnt_together_teach_as_those_of_a_brand_alone(
    series: list[tuple[int, list[tuple[int, bool]]]],
) -> None:
    # Brands begin at different times, so the counts of some are missing at the times of others.
    alone, together = [], [VolumeBaselines() for _ in series]
    for begun, counts in series:
        volumes = VolumeBaselines()
        for row, (count, _) in enumerate(counts, begun):
            fed(volumes, [count], first=row)
            volumes.learn()
        alone.append(volumes.snapshot())
    for row in range(70):
        for volumes, (begun, counts) in zip(together, series, strict=True):
            if 0 <= row - begun < len(counts):
                count, is_learnt = counts[row - begun]
                fed(volumes, [count], first=row)
                if is_learnt:
                    learn_together(together)
    learn_together(together)
    assert [volumes.waiting for volumes in together] == [0] * len(together)
    assert [volumes.snapshot() for volumes in together] == alone


def test_more_brands_than_fit_together_learn_over_midnight() -> None:
    alone = [VolumeBaselines() for _ in range(TOGETHER + 3)]
    together = [VolumeBaselines() for _ in alone]
    for row in (260, 280):
        for brand, (one, other) in enumerate(zip(alone, together, strict=True)):
            fed(one, [brand % 4] * 20, first=row)
            one.learn()
            fed(other, [brand % 4] * 20, first=row)
        learn_together(together)
    assert [volumes.snapshot() for volumes in together] == [one.snapshot() for one in alone]
