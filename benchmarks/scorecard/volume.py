"""The section "Volume series": the volume detector against labelled series of brands' counts."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.markdown import table
from benchmarks.scorecard import invented
from benchmarks.scorecard.compared import compare
from benchmarks.scorecard.dial import GROUPS, SOME_KINDS, Copies, copies, few, held_out
from benchmarks.scorecard.dial import lines as lines_of_dial
from benchmarks.scorecard.nab import PROFILES, REWARD_LOW_FP, STANDARD, Tally, together
from benchmarks.scorecard.runs import detect
from benchmarks.scorecard.series import WINDOWS, Series, read_series
from benchmarks.scorecard.speed import measure
from processors.volume.parameters import VolumeParameters

FOLDER = "brand-volume"
PUBLISHED = (
    ("ARTime", "81.8", "70.1", ""),
    ("CAD-OSE", "74.5", "73.1", "0.017"),
    ("Numenta HTM", "68.0", "61.1", ""),
    ("Twitter ADVec", "59.6", "35.8", ""),
)
"""On all ten series, of which we have five: (name, standard, reward-low-FP, false alarms)."""
OPENING = (
    *("false_alarm_days", "bar", "bar_growth", "rise"),
    *("learn_days", "quiet_minutes", "echo", "echo_days"),
)
"""Parameters that change neither the evidence nor the brand's highs."""
FACTORS = (0.6, 0.8, 1.25, 1.6)
SIZES = (1, 1_000, 100_000)


class Measured(NamedTuple):
    """Scores and false alarms a brand-day, as measured once."""

    standard: float
    low_fp: float
    false_alarms: float


KEPT_APART = "five"
BEFORE = Measured(78.9, 63.2, 0.19)
"""The model before this one, on the series kept apart; they are not in the data of this page."""
GOAL_STANDARD, GOAL_LOW_FP, GOAL_FALSE_ALARMS = 85, 80, 0.03


def _verdict(held: Sequence[Tally], minutes: float) -> str:
    whole = together(held)
    met = {
        "standard": whole.score(STANDARD) > GOAL_STANDARD,
        "low FP": whole.score(REWARD_LOW_FP) > GOAL_LOW_FP,
        "false alarms": whole.false_alarms / brand_days(whole, minutes) <= GOAL_FALSE_ALARMS,
    }
    missed = " and ".join(name for name, reached in met.items() if not reached)
    return f"miss it in {missed}" if missed else "meet it"


def brand_days(outcome: Tally, minutes: float) -> float:
    """Scored days, over all brands."""
    return outcome.scored_rows * minutes / 1440


def figures(outcome: Tally, minutes: float) -> list[str]:
    """The cells of a row: three scores, windows, false alarms, delays."""
    scores = [f"{outcome.score(profile):.1f}" for profile in PROFILES]
    days = brand_days(outcome, minutes)
    late = [delay * minutes / 60 for delay in outcome.delays]
    after = [delay * minutes for delay in outcome.after_label]
    return [
        *scores,
        f"{outcome.found} of {outcome.windows}",
        f"{outcome.false_alarms}",
        f"{outcome.false_alarms / days:.3f}",
        f"{statistics.median(late):.1f} h" if late else "",
        f"{statistics.median(after):+.0f} min" if after else "",
    ]


HEADER = (
    *("standard", "low FP", "low FN", "windows", "false alarms", "a brand-day"),
    *("from window's start", "from label"),
)


def _scores(series: Sequence[Series], tallies: Sequence[Tally]) -> list[str]:
    minutes = series[0].minutes
    rows = [[s.name, *figures(t, minutes)] for s, t in zip(series, tallies, strict=True)]
    rows.append(["**all**", *figures(together(tallies), minutes)])
    return table(("brand", *HEADER), rows)


def _first() -> list[str]:
    """What is known of series that nobody tuned on, before any other figure."""
    return [
        "### On series that nobody tuned on",
        "",
        f"The model before this one (one bar for all brands) was tried on {KEPT_APART} brands of "
        "the same benchmark that were kept apart from its design: "
        f"**{BEFORE.standard} standard, {BEFORE.low_fp} low FP, {BEFORE.false_alarms} false alarms "
        "a brand-day**, against the 83.9, 80.1 and 0.042 that it had on the five series below. Two "
        "brands with bursts made most of the false alarms. **The present model has not been tried "
        "on them**: its figures below are of series that its design has seen, or of copies of "
        "them. It was chosen by all parts of this section together; expect less elsewhere.",
        "",
        f"The goal, on series never seen: above {GOAL_STANDARD} standard and {GOAL_LOW_FP} low FP "
        f"with at most {GOAL_FALSE_ALARMS} false alarms a brand-day. Published on the brands kept "
        "apart, with thresholds chosen on the whole benchmark: ARTime 83.0 / 72.6 / 0.133, CAD-OSE "
        "75.0 / 73.0 / 0.027.",
        "",
    ]


def _held_out(series: Sequence[Series], labelled: Copies) -> tuple[list[str], list[Tally]]:
    """Scores of each brand with the dial set on the others and their copies."""
    found = held_out(labelled)
    held = [outcome for _, _, outcome in found]
    said = ", ".join(f"{brand} {days:g}" for brand, days, _ in found)
    return [
        "### Held out",
        "",
        "`false_alarm_days` was chosen on the other four brands, as they are, thinned and with "
        "bursts (the mean of the standard and the low-FP score over the three), then the brand was "
        f"read. Chosen: {said}. The shape of the detector and its other parameters were found "
        "while looking at all five, so this flatters it. These five "
        f"{_verdict(held, series[0].minutes)}.",
        "",
        *_scores(series, held),
    ], held


def _sensitivity(labelled: Copies) -> list[str]:
    plain, some = VolumeParameters(), few(labelled)
    rows = []
    for name in VolumeParameters.__struct_fields__:
        value = getattr(plain, name)
        if not isinstance(value, float | int):
            continue
        cells = []
        for factor in FACTORS:
            changed = msgspec.structs.replace(plain, **{name: type(value)(value * factor)})
            opens = name in OPENING
            tallies = some.at(changed) if opens else detect(some.run.series, changed).tallies()
            cells.append("; ".join(_short(some.of(tallies, group)) for group in GROUPS))
        rows.append([f"`{name}` {value:g}", *cells])
    return [
        "### Sensitivity",
        "",
        "One parameter at a time, times a factor: standard / low-FP score and false alarms a "
        "brand-day on the labelled series; on copies with half of their posts; on copies with "
        f"bursts ({', '.join(SOME_KINDS[1:])}).",
        "",
        *table(("parameter", *(f"times {factor:g}" for factor in FACTORS)), rows),
    ]


def _short(outcome: Tally) -> str:
    false = outcome.false_alarms / brand_days(outcome, 5.0)
    return f"{outcome.score(STANDARD):.0f} / {outcome.score(REWARD_LOW_FP):.0f} {false:.3f}"


def _side_by_side(series: Sequence[Series], ours: Sequence[Tally]) -> list[str]:
    others, said = compare(series)
    minutes = series[0].minutes
    rows = [["**tocsin**, held out", *figures(together(ours), minutes)[:6]]]
    rows += [[name, *figures(together(tallies), minutes)[:6]] for name, tallies in others]
    header = ("detector", *HEADER[:6])
    return [
        "### Beside others",
        "",
        f"The same series in the same run, held out: {said}",
        "",
        *table(header, rows),
        "Published, on the ten series of which these are five, with thresholds chosen on the whole "
        "benchmark:",
        "",
        *table(("detector", "standard", "low FP", "false alarms a brand-day"), PUBLISHED),
    ]


def _cost() -> list[str]:
    rows = [
        [f"{s.brands:,}", f"{s.a_second:,.0f}", f"{s.bytes_a_brand:,}", f"{s.snapshot_bytes:,}"]
        for s in (measure(size, 400 if size == 1 else 20) for size in SIZES)
    ]
    return [
        "### Cost of the detector",
        "",
        "One core; brands are columns of one bank.",
        "",
        *table(("brands", "counts a second", "bytes a brand", "snapshot, bytes of JSON"), rows),
    ]


def section(data: Path) -> list[str]:
    lines = ["## Volume series", ""]
    folder = next((f for f in (data / FOLDER, data) if (f / WINDOWS).is_file()), None)
    if folder is None:
        return [*lines, f"Left out: no `{FOLDER}/{WINDOWS}` in the data.", ""]
    series = read_series(folder)
    run = detect(series, VolumeParameters())
    labelled = copies(series)
    held_lines, held = _held_out(series, labelled)
    days = sum(brand_days(each, series[0].minutes) for each in run.tallies())
    return [
        *lines,
        f"`tocsin score-series` on {len(series)} series of brands' mentions (five-minute counts, "
        f"{days:.0f} brand-days scored) from the Numenta Anomaly Benchmark, real tweets, with its "
        "published formula: only the first detection in a window counts, the earlier the better; "
        "the first 750 counts are not scored; 0 is silence, 100 perfection. Delays are medians of "
        "the windows found; a negative one is an alert before the label.",
        "",
        *_first(),
        "### As it is delivered",
        "",
        "The default parameters, chosen with all of these series in view.",
        "",
        *_scores(series, run.tallies()),
        *held_lines,
        *lines_of_dial(labelled, data),
        *_sensitivity(labelled),
        *_side_by_side(series, held),
        *invented.lines(),
        *_cost(),
    ]
