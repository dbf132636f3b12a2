"""The section "Volume series": the volume detector against labelled series of brands' counts."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.markdown import table
from benchmarks.scorecard import invented
from benchmarks.scorecard.compared import compare
from benchmarks.scorecard.nab import PROFILES, REWARD_LOW_FP, STANDARD, Tally, together
from benchmarks.scorecard.runs import detect, leave_one_out, reopen
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
BARS = tuple(round(2.4 + 0.1 * step, 1) for step in range(19))
DISPERSIONS = (0.01, 0.02, 0.04)
OPENING = ("bar", "learn_days", "quiet_minutes", "echo", "echo_days")
"""Parameters that do not change the evidence."""
FACTORS = (0.5, 0.8, 1.25, 2.0)
SIZES = (1, 1_000, 100_000)


GOAL_STANDARD, GOAL_LOW_FP, GOAL_FALSE_ALARMS = 85, 80, 0.02


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


def _held_out(series: Sequence[Series]) -> tuple[list[str], list[Tally]]:
    """Scores of each brand with the bar chosen on the others, and with two chosen parameters."""
    grid = []
    for dispersion in DISPERSIONS:
        run = detect(series, VolumeParameters(dispersion=dispersion))
        bars = (VolumeParameters(dispersion=dispersion, bar=bar) for bar in BARS)
        grid.append([reopen(run, parameters).tallies() for parameters in bars])
    one = leave_one_out([grid[DISPERSIONS.index(VolumeParameters().dispersion)]])
    two = leave_one_out(grid)
    held = [outcome for _, _, outcome in one]
    bars_said = ", ".join(
        f"{each.name} {BARS[bar]}" for each, (_, bar, _) in zip(series, one, strict=True)
    )
    both_said = ", ".join(
        f"{each.name} {BARS[bar]} / {DISPERSIONS[setting]}"
        for each, (setting, bar, _) in zip(series, two, strict=True)
    )
    whole = together([outcome for _, _, outcome in two])
    return [
        "### Held out",
        "",
        "The bar was chosen on the other four brands (the mean of the standard and the low-FP "
        "score, smoothed over five neighbouring bars), then the brand was read. Chosen: "
        f"{bars_said}. The shape of the detector and its other parameters were found while looking "
        "at all five, so this flatters it; expect less elsewhere.",
        "",
        *_scores(series, held),
        "With two parameters chosen on the others, bar and dispersion, which make up for each "
        f"other ({both_said}): {whole.score(STANDARD):.1f} standard, "
        f"{whole.score(REWARD_LOW_FP):.1f} low FP, {whole.found} of {whole.windows} windows, "
        f"{whole.false_alarms} false alarms. Both ways were tried, and the one above kept after "
        "seeing this. Four brands are few to choose by, and each window is worth six points.",
        "",
    ], held


def _sensitivity(series: Sequence[Series]) -> list[str]:
    plain = VolumeParameters()
    run = detect(series, plain)
    rows = []
    for name in VolumeParameters.__struct_fields__:
        value = getattr(plain, name)
        if not isinstance(value, float):
            continue
        cells = []
        for factor in FACTORS:
            changed = msgspec.structs.replace(plain, **{name: value * factor})
            again = reopen(run, changed) if name in OPENING else detect(series, changed)
            whole = together(again.tallies())
            cells.append(
                f"{whole.score(STANDARD):.0f} / {whole.score(REWARD_LOW_FP):.0f}, "
                f"{whole.found}, {whole.false_alarms}"
            )
        rows.append([f"`{name}` {value:g}", *cells])
    near = [
        reopen(run, msgspec.structs.replace(plain, bar=bar)).tallies()
        for bar in np.arange(plain.bar - 0.4, plain.bar + 0.45, 0.1).round(1).tolist()
    ]
    bars = [
        [f"{plain.bar + 0.1 * (place - 4):.1f}", *figures(together(one), series[0].minutes)[:5]]
        for place, one in enumerate(near)
    ]
    return [
        "### Sensitivity",
        "",
        "One parameter at a time, times a factor: standard / low-FP score, windows found, false "
        "alarms. Only the bar matters much: it is the operating point. It stands at the low end of "
        "its plateau, as a window missed costs more than a false alarm.",
        "",
        *table(("parameter", *(f"times {factor:g}" for factor in FACTORS)), rows),
        *table(("bar", *HEADER[:5]), bars),
    ]


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
    held_lines, held = _held_out(series)
    days = sum(brand_days(each, series[0].minutes) for each in run.tallies())
    return [
        *lines,
        f"`tocsin score-series` on {len(series)} series of brands' mentions (five-minute counts, "
        f"{days:.0f} brand-days scored) from the Numenta Anomaly Benchmark, real tweets, with its "
        "published formula: only the first detection in a window counts, the earlier the better; "
        "the first 750 counts are not scored; 0 is silence, 100 perfection. Delays are medians of "
        "the windows found; a negative one is an alert before the label.",
        "",
        f"The goal: above {GOAL_STANDARD} standard and {GOAL_LOW_FP} low FP with at most "
        f"{GOAL_FALSE_ALARMS} false alarms a brand-day, on series never seen. "
        f"Held out, these five {_verdict(held, series[0].minutes)}.",
        "",
        "### As it is delivered",
        "",
        "The default parameters, chosen with all of these series in view.",
        "",
        *_scores(series, run.tallies()),
        *held_lines,
        *_sensitivity(series),
        *_side_by_side(series, held),
        *invented.lines(),
        *_cost(),
    ]
