"""Texts side by side: each once, none over another, in rows that are nearly full."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from processors.models.encoder_rows import ROW, RUN, runs_of

LENGTHS = st.lists(st.integers(0, 2 * ROW), max_size=120)


@given(LENGTHS)
def test_each_text_has_one_place_in_one_row(lengths: list[int]) -> None:
    places = [(run, place) for run in runs_of(lengths) for place in run.places]
    assert Counter(place.text for _, place in places) == Counter(
        at for at, own in enumerate(lengths) if own
    )
    for run, (text, first, end) in places:
        assert end - first == lengths[text]
        assert first // run.length == (end - 1) // run.length < run.rows


@given(LENGTHS)
def test_owners_tell_texts_and_padding_apart(lengths: list[int]) -> None:
    for run in runs_of(lengths):
        counts = Counter(run.owners.ravel().tolist())
        counts.pop(0, None)
        assert [counts[number] for number in range(1, len(counts) + 1)] == [
            lengths[place.text] for place in run.places
        ]
        firsts = [place.first for place in run.places]
        assert firsts == sorted(firsts), "no place lies over another: each has all its tokens"
        numbers = [[place.text] * lengths[place.text] for place in run.places]
        table = run.spread(numbers, -1).ravel()
        assert all(set(table[first:end].tolist()) == {text} for text, first, end in run.places)


@given(LENGTHS)
def test_a_run_fits_the_cache_and_is_hardly_padding(lengths: list[int]) -> None:
    for run in runs_of(lengths):
        assert run.rows * run.length <= RUN
    short = [own for own in lengths if 0 < own <= ROW]
    rows = sum(run.rows for run in runs_of(short))
    # Of any two rows, the texts of the later one had no room in the earlier.
    assert rows <= 1 or sum(short) > rows * ROW / 2


def test_short_texts_fill_rows() -> None:
    lengths = [8 + at % 30 for at in range(300)]
    runs = list(runs_of(lengths))
    computed = sum(run.rows * run.length for run in runs)
    assert computed < 1.03 * sum(lengths)
