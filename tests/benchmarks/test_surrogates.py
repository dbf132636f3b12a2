"""Series to choose a detector by, beside the labelled ones, and the dial measured on them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scorecard import __main__ as scorecard
from benchmarks.scorecard import dial
from benchmarks.scorecard.nab import Labelled
from benchmarks.scorecard.series import Series
from benchmarks.scorecard.surrogates import nulls, quiet_years
from benchmarks.scorecard.surrogates.copies import bursty, thinned
from benchmarks.scorecard.synthetic import Brand, quiet, times
from processors.volume.parameters import VolumeParameters


@pytest.fixture(scope="module")
def series() -> list[Series]:
    counts = quiet((Brand(2.0, 0.3), Brand(40.0, 0.3)), 9, 5.0, np.random.default_rng(1))
    counts[1900:1912] += np.array([30, 200])
    moments = tuple(times(len(counts), 5.0))
    labelled = Labelled(len(counts), ((1800, 2100),))
    return [Series(name, moments, counts[:, at], labelled) for at, name in enumerate("ab")]


def test_copies_keep_labels_and_times_and_are_the_same_each_time(series: list[Series]) -> None:
    for make in (thinned, bursty):
        first, again = make(series), make(series)
        for (kind, one), (_, other) in zip(first, again, strict=True):
            original = next(each for each in series if each.name == one.name)
            assert (one.times, one.labelled) == (original.times, original.labelled), kind
            assert one.counts.tolist() == other.counts.tolist(), kind


def test_thinned_copies_have_fewer_posts_and_bursty_ones_more(series: list[Series]) -> None:
    total = {each.name: each.counts.sum() for each in series}
    shares = {one.counts.sum() / total[one.name] for _, one in thinned(series)}
    assert max(shares) < 0.8
    assert min(shares) > 0.2
    kinds = {kind for kind, _ in bursty(series)}
    assert len(kinds) == 6
    assert all((one.counts.sum() > total[one.name]) for _, one in bursty(series))


def test_the_choice_for_a_brand_does_not_see_the_brand(series: list[Series]) -> None:
    labelled = dial.copies(series)
    found = dial.held_out(labelled)
    assert [brand for brand, _, _ in found] == ["a", "b"]
    for brand, days, outcome in found:
        tallies = labelled.at(VolumeParameters(false_alarm_days=days))
        assert outcome == labelled.of(tallies, dial.GROUPS[0], {brand})
    some = dial.few(labelled)
    assert set(some.kinds) == {"", *dial.SOME_KINDS}
    assert len(some.kinds) == len(series) * (1 + len(dial.SOME_KINDS))


def test_each_kind_of_null_has_counts_and_planted_events_lie_in_their_windows() -> None:
    found = nulls.null_series()
    assert {kind for kind, _ in found} == set(nulls.KINDS)
    assert len(found) == len(nulls.KINDS) * len(nulls.LEVELS)
    for kind, each in found:
        assert np.all(each.counts >= 0), kind
        assert np.all(np.isfinite(each.counts)), kind
    _, one = found[0]
    events = nulls.planted(one)
    extra = events.counts - one.counts
    inside = sum(extra[start:end].sum() for start, end in events.labelled.windows)
    assert inside == extra.sum() > 0


def test_companies_with_few_posts_and_a_missing_file_are_left_out(tmp_path: Path) -> None:
    assert quiet_years.read_companies(tmp_path) == []
    path = tmp_path / quiet_years.FILE
    path.parent.mkdir()
    posts = [
        {"created_at": f"2014-{1 + n % 12:02}-05T10:{n % 60:02}:30Z", "brands": ["ONE"]}
        for n in range(quiet_years.MIN_POSTS)
    ]
    posts.append({"created_at": "2014-06-01T00:00:00Z", "brands": ["TWO"]})
    with gzip.open(path, "wt") as lines:
        lines.writelines(json.dumps(post) + "\n" for post in posts)
    (company,) = quiet_years.read_companies(tmp_path)
    assert (company.name, company.counts.sum()) == ("ONE", quiet_years.MIN_POSTS)
    planted, sizes = quiet_years.with_crises(company, 1)
    assert len(sizes) == len(planted.labelled.windows) > 30
    assert set(sizes) == set(quiet_years.SIZES)


def test_one_section_is_measured_anew_and_the_others_stay() -> None:
    names = [name for name, _ in scorecard.SECTIONS]
    page = "# Scorecard\n\n" + "".join(f"## {name}\n\nold {name}\n\n" for name in names)
    body = scorecard.replaced(page, "planted", ["## planted", "", "new"])
    assert "new" in body
    assert "old planted" not in body
    assert [line for line in body if line.startswith("old")] == [
        f"old {name}" for name in names if name != "planted"
    ]
    with pytest.raises(ValueError, match="the page has 1 sections"):
        scorecard.replaced("## Alone\n", "planted", ["## planted"])
