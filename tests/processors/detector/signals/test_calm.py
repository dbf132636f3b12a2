"""A window that is called calm by its numbers has no severity and no peak, now or later."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.detector.severity import severity
from processors.detector.signals.calm import is_calm, stays_calm
from processors.detector.signals.summary import WindowSummary, summarize
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import minute_of
from processors.detector.state.minute import Minute
from processors.detector.state.recurrence import PEAK
from processors.detector.state.volume import KNOWN, STEP, WEEKS, VolumeBaselines
from processors.detector.state.window import LONG, Window, WindowTotals
from schemas.brand import AlertPolicy
from tests.processors.detector.storms import START

NOW = minute_of(START) + 12 * 60
DAY = 24 * 60


def volumes_of(per_count: int, counts: int, claimed: int) -> VolumeBaselines:
    """A model that learnt so many counts until ten minutes ago, and says that it knows more."""
    volumes = VolumeBaselines()
    for back in range(counts, 0, -1):
        count = per_count + back % 2
        totals = WindowTotals(STEP, mentions=count, authors=count, discounted=count)
        volumes.close(NOW - 10 - STEP * back, totals)
    volumes.learn()
    state = volumes.snapshot()
    state.counts = claimed
    return VolumeBaselines(state)


MODELS = [volumes_of(per, 60, claimed) for per in (0, 2, 9) for claimed in (60, KNOWN, WEEKS)]
POSTS = st.lists(
    st.tuples(st.integers(0, LONG - 1), st.integers(1, 8), st.integers(0, 8), st.integers(0, 3)),
    max_size=12,
)
"""The minute before the window's end, its mentions, and how many of them are negative or grave."""
POLICIES = st.builds(
    AlertPolicy,
    sensitivity=st.sampled_from([0.5, 1.0, 3.0]),
    minimum_volume=st.sampled_from([None, 1, 5, 20]),
)
BASELINES = st.builds(
    lambda days, rates, share: Baseline(
        upto=NOW - 60,
        first=NOW - 4 * DAY,
        minutes=days * DAY,
        mentions=days * 60 * sum(rates),
        discounted=days * 60 * sum(rates),
        authors=days * 60 * sum(rates),
        hours=[days * 60 * rate for rate in rates],
        hour_minutes=[days * 60] * 24,
        scored=60.0,
        negative=60.0 * share,
    ),
    st.sampled_from([0.0, 0.5, 2.0]),
    st.lists(st.sampled_from([0.0, 0.1, 0.5, 3.0]), min_size=24, max_size=24),
    st.sampled_from([0.05, 0.3, 0.9]),
)


def minutes_of(posts: list[tuple[int, int, int, int]], end: int) -> list[Minute]:
    minutes: dict[int, Minute] = {}
    for before, mentions, negative, lexicon in posts:
        minute = minutes.setdefault(end - 1 - before, Minute(end - 1 - before))
        minute.mentions += mentions
        minute.discounted += mentions
        minute.distinct += mentions
        minute.scored += mentions
        minute.negative += min(negative, mentions)
        minute.lexicon += min(lexicon, mentions)
        minute.reach += 9_000 * negative
    return [minutes[start] for start in sorted(minutes)]


def is_nothing(summary: WindowSummary, policy: AlertPolicy) -> bool:
    return severity(summary, policy) == 0 and summary.significance("volume") < PEAK


@given(POSTS, POLICIES, BASELINES, st.sampled_from(MODELS))
@settings(max_examples=300, deadline=None)
def test_a_calm_window_shows_nothing(
    posts: list[tuple[int, int, int, int]],
    policy: AlertPolicy,
    baseline: Baseline,
    volumes: VolumeBaselines,
) -> None:
    minutes = minutes_of(posts, NOW)
    if is_calm(minutes, NOW, policy, baseline, volumes):
        assert is_nothing(summarize(Window(minutes, NOW), baseline, volumes), policy)


@given(
    POSTS,
    POLICIES,
    BASELINES,
    st.sampled_from(MODELS),
    st.lists(st.integers(0, 3), min_size=80, max_size=80),
)
@settings(max_examples=150, deadline=None)
def test_what_stays_calm_shows_nothing_until_the_next_mention(
    posts: list[tuple[int, int, int, int]],
    policy: AlertPolicy,
    baseline: Baseline,
    model: VolumeBaselines,
    past: list[int],
) -> None:
    minutes = minutes_of(posts, NOW)
    # What is still to be learnt of the hour before.
    before = [Minute(NOW - 60 + at, mentions=count) for at, count in enumerate(past[:30])]
    unlearnt = sum(minute.mentions for minute in (*before, *minutes))
    volumes = VolumeBaselines(model.snapshot())
    if not stays_calm(minutes, NOW, policy, baseline, volumes, unlearnt):
        return
    learning = msgspec.convert(msgspec.to_builtins(baseline), Baseline)
    for now in range(NOW + 1, NOW + LONG + 2):
        if now % STEP == 0:
            volumes.close(now - 2 * STEP, WindowTotals(STEP, mentions=past[now - NOW]))
        if now % 10 == 0:
            upto = now - 60
            learning.learn([m for m in before if learning.upto <= m.start < upto], upto)
        window = [minute for minute in minutes if minute.start >= now - LONG]
        assert is_nothing(summarize(Window(window, now), learning, volumes), policy)


def test_most_windows_of_a_quiet_brand_are_calm() -> None:
    rates = [0.1] * 24
    baseline = Baseline(
        minutes=2.0 * DAY,
        mentions=120.0 * sum(rates),
        hours=[12.0] * 24,
        hour_minutes=[120.0] * 24,
        upto=NOW - 60,
    )
    minutes = minutes_of([(4, 1, 0, 0), (9, 1, 1, 0), (17, 1, 0, 0), (25, 1, 0, 0)], NOW)
    assert is_calm(minutes, NOW, AlertPolicy(), baseline, VolumeBaselines())
    assert stays_calm(minutes, NOW, AlertPolicy(), baseline, VolumeBaselines(), 4)
    storm = minutes_of([(2, 8, 8, 3), (1, 8, 8, 3)], NOW)
    assert not is_calm(storm, NOW, AlertPolicy(), baseline, VolumeBaselines())
    assert not stays_calm(storm, NOW, AlertPolicy(), baseline, VolumeBaselines(), 16)
