"""The part "Asked for and given": found and false alerts over the range of ``false_alarm_days``.

Measured together on the labelled series, on copies of them, on series without events and on the
quiet years, since each alone can be met by a detector that fails on the others.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.markdown import table
from benchmarks.scorecard.nab import REWARD_LOW_FP, STANDARD, Tally, tally, together
from benchmarks.scorecard.runs import Run, detect, merit, reopen
from benchmarks.scorecard.series import Series
from benchmarks.scorecard.surrogates import nulls, quiet_years
from benchmarks.scorecard.surrogates.copies import bursty, thinned
from benchmarks.scorecard.surrogates.quiet_years import SIZES
from processors.volume.parameters import VolumeParameters

DIAL = (7.0, 10.0, 14.0, 21.0, 30.0, 45.0, 60.0)
"""Values of ``false_alarm_days``."""
MONTH_DAYS = 30.4
SOME_KINDS = ("50% of the posts", "single bursts", "cascades", "others' episodes")
"""The kinds of copies on which single parameters are changed."""
GROUPS = ("as they are", "thinned", "with bursts")


@dataclass(frozen=True, slots=True)
class Copies:
    """The labelled series and their copies in one run."""

    run: Run
    groups: tuple[str, ...]
    kinds: tuple[str, ...]

    def at(self, parameters: VolumeParameters) -> list[Tally]:
        return reopen(self.run, parameters).tallies()

    def of(self, tallies: Sequence[Tally], group: str, brands: set[str] | None = None) -> Tally:
        """The outcome of one group, of these brands or of all."""
        return together(
            [
                one
                for one, name, series in zip(tallies, self.groups, self.run.series, strict=True)
                if name == group and (brands is None or series.name in brands)
            ]
        )


def copies(series: Sequence[Series]) -> Copies:
    """Runs the detector over the labelled series and their copies."""
    parts = [(GROUPS[0], "", each) for each in series]
    parts += [(GROUPS[1], kind, each) for kind, each in thinned(series)]
    parts += [(GROUPS[2], kind, each) for kind, each in bursty(series)]
    groups, kinds, every = zip(*parts, strict=True)
    return Copies(detect(every, VolumeParameters()), groups, kinds)


def few(labelled: Copies) -> Copies:
    """One copy of some kinds and of each series, to measure many settings on."""
    names = [each.name for each in labelled.run.series]
    keys = list(zip(labelled.kinds, names, strict=True))
    picked = [
        place
        for place, key in enumerate(keys)
        if key[0] in ("", *SOME_KINDS) and keys.index(key) == place
    ]
    every = [labelled.run.series[place] for place in picked]
    return Copies(
        detect(every, VolumeParameters()),
        tuple(labelled.groups[place] for place in picked),
        tuple(labelled.kinds[place] for place in picked),
    )


@dataclass(frozen=True, slots=True)
class Nulls:
    """The series without events, and the same with events planted."""

    run: Run
    kinds: tuple[str, ...]

    def outcome(self, parameters: VolumeParameters) -> tuple[dict[str, float], dict[str, float]]:
        """False alarms a brand-day, and the share of planted events found, by kind."""
        false: dict[str, list[float]] = defaultdict(list)
        found: dict[str, list[float]] = defaultdict(list)
        days = nulls.DAYS - nulls.FIRST_DAYS
        opened = reopen(self.run, parameters)
        for kind, series, alerts in zip(self.kinds, opened.series, opened.alerts, strict=True):
            if series.labelled.windows:
                one = tally(series.labelled, alerts)
                found[kind].append(one.found / one.windows)
            else:
                late = sum(row >= nulls.FIRST_DAYS * nulls.DAY for row in alerts)
                false[kind].append(late / days)
        mean = {kind: float(np.mean(each)) for kind, each in false.items()}
        return mean, {kind: float(np.mean(each)) for kind, each in found.items()}


def without_events() -> Nulls:
    plain = nulls.null_series()
    parts = [*plain, *((kind, nulls.planted(each)) for kind, each in plain)]
    kinds, every = zip(*parts, strict=True)
    return Nulls(detect(every, VolumeParameters()), kinds)


@dataclass(frozen=True, slots=True)
class Years:
    """The quiet years of the companies, and the same with crises planted."""

    run: Run
    companies: int
    sizes: tuple[tuple[float, ...], ...]
    """Of the crises planted over each company."""

    def monthly(self, parameters: VolumeParameters) -> dict[str, float]:
        """Alerts a month by company."""
        opened = reopen(self.run, parameters)
        first = quiet_years.FIRST_DAYS * quiet_years.DAY
        quiet = zip(opened.series, opened.alerts, range(self.companies), strict=False)
        return {
            series.name: sum(row >= first for row in alerts)
            / ((len(series.counts) - first) / quiet_years.DAY / MONTH_DAYS)
            for series, alerts, _ in quiet
        }

    def recall(self, parameters: VolumeParameters) -> dict[float, float]:
        """Share of planted crises found, by size."""
        opened = reopen(self.run, parameters)
        hits: dict[float, list[bool]] = defaultdict(list)
        pairs = list(zip(opened.series, opened.alerts, strict=True))[self.companies :]
        for (series, alerts), sizes in zip(pairs, self.sizes, strict=True):
            for (start, end), size in zip(series.labelled.windows, sizes, strict=True):
                hits[size].append(any(start <= row <= end for row in alerts))
        return {size: float(np.mean(hits[size])) for size in SIZES}


def years(data: Path) -> Years | None:
    """Runs the detector over the quiet years; None without their file."""
    companies = quiet_years.read_companies(data)
    if not companies:
        return None
    planted = [quiet_years.with_crises(each, number) for number, each in enumerate(companies)]
    run = detect([*companies, *(each for each, _ in planted)], VolumeParameters())
    return Years(run, len(companies), tuple(sizes for _, sizes in planted))


def _scores(outcome: Tally) -> str:
    false = outcome.false_alarms / (outcome.scored_rows * 5 / 1440)
    return (
        f"{outcome.score(STANDARD):.1f} / {outcome.score(REWARD_LOW_FP):.1f}, "
        f"{outcome.found} of {outcome.windows}, {false:.3f}"
    )


def _row(
    name: str, parameters: VolumeParameters, labelled: Copies, empty: Nulls, quiet: Years | None
) -> list[str]:
    tallies = labelled.at(parameters)
    false, found = empty.outcome(parameters)
    mean, worst = float(np.mean(list(false.values()))), max(false.values())
    cells = [name, *(_scores(labelled.of(tallies, group)) for group in GROUPS)]
    cells.append(f"{mean:.3f} ({worst:.3f})")
    cells.append(f"{mean * parameters.false_alarm_days:.1f} ({_times(worst, parameters)})")
    cells.append(f"{100 * np.mean(list(found.values())):.0f} %")
    if quiet is None:
        return [*cells, "", ""]
    monthly = list(quiet.monthly(parameters).values())
    recall = quiet.recall(parameters)
    return [
        *cells,
        f"{np.mean(monthly):.2f} ({max(monthly):.2f})",
        " / ".join(f"{100 * recall[size]:.0f}" for size in SIZES),
    ]


def _times(rate: float, parameters: VolumeParameters) -> str:
    return f"{rate * parameters.false_alarm_days:.1f}"


def _replaced(**fields: float) -> VolumeParameters:
    return msgspec.structs.replace(VolumeParameters(), **fields)


HEADER = (
    *("`false_alarm_days`", "labelled", "thinned", "with bursts"),
    *("nothing new happens: mean (worst kind)", "times the days asked for", "planted there"),
    *("quiet years: a company-month, mean (most)", "planted there, %"),
)


def held_out(labelled: Copies) -> list[tuple[str, float, Tally]]:
    """Each brand with the days that are best on the others: its name, these, and its outcome.

    Best is the mean of the standard and the low-FP score, over the others as they are, thinned,
    and with bursts.
    """
    grid = {days: labelled.at(_replaced(false_alarm_days=days)) for days in DIAL}
    names = [each.name for each in labelled.run.series]
    brands = list(dict.fromkeys(names))
    found = []
    for brand in brands:
        others = set(brands) - {brand}

        def worth(days: float, others: set[str] = others) -> float:
            return sum(merit([labelled.of(grid[days], group, others)]) for group in GROUPS)

        best = max(DIAL, key=worth)
        found.append((brand, best, labelled.of(grid[best], GROUPS[0], {brand})))
    return found


def lines(labelled: Copies, data: Path) -> list[str]:
    """The tables of the dial, of the kinds and of the companies."""
    empty, quiet = without_events(), years(data)
    usual = VolumeParameters()
    rows = [
        _row(
            f"**{days:g}**, the default" if days == usual.false_alarm_days else f"{days:g}",
            *(_replaced(false_alarm_days=days), labelled, empty, quiet),
        )
        for days in DIAL
    ]
    rows.append(_row("21, highs not looked at", _replaced(rise=0.0), labelled, empty, quiet))
    return [
        "### Asked for and given",
        "",
        "`false_alarm_days` is the one parameter to choose: about so many days pass without an "
        "alert where nothing new happens. Cells of series: standard / low-FP score, windows found, "
        "false alarms a brand-day. Thinned: a quarter, half or three quarters of the posts left "
        f"out ({_number(labelled, 1)} copies). With bursts: bursts of six kinds added, which the "
        f"labels do not know ({_number(labelled, 2)} copies). Nothing new: {len(empty.kinds) // 2} "
        f"series of {len(nulls.KINDS)} kinds, {nulls.DAYS} days, and planted events of an hour, "
        "1.5 times the busiest hour of ten days. Quiet years: every alert counts, right or wrong; "
        f"crises planted there are {', '.join(f'{size:g}' for size in SIZES)} times the busiest "
        "hour of thirty days.",
        "",
        *table(HEADER, rows),
        "What is asked for is kept on average over the kinds; on the kinds with the heaviest "
        "bursts it is exceeded by the factor in brackets. The default has the best scores on the "
        "labelled series and their copies together; a lower rate is bought with windows.",
        "",
        *_kinds(labelled, empty, usual),
        *(_companies(quiet, usual) if quiet else _left_out()),
    ]


def _number(labelled: Copies, group: int) -> int:
    return labelled.groups.count(GROUPS[group])


def _kinds(labelled: Copies, empty: Nulls, usual: VolumeParameters) -> list[str]:
    false, found = empty.outcome(usual)
    plain, _ = empty.outcome(_replaced(rise=0.0))
    tallies = labelled.at(usual)
    by_kind: dict[str, list[Tally]] = defaultdict(list)
    for one, kind in zip(tallies, labelled.kinds, strict=True):
        by_kind[kind].append(one)
    copied = [[kind, _scores(together(each))] for kind, each in by_kind.items() if kind]
    return [
        "By kind, at the default. Where nothing new happens, false alarms a brand-day, the same "
        "without a look at the brand's own highs, and planted events found:",
        "",
        *table(
            ("kind", "false alarms", "highs not looked at", "planted, found"),
            [
                [kind, f"{false[kind]:.3f}", f"{plain[kind]:.3f}", f"{100 * found[kind]:.0f} %"]
                for kind in false
            ],
        ),
        *table(("copies", "standard / low-FP, windows, false alarms a day"), copied),
    ]


def _companies(quiet: Years, usual: VolumeParameters) -> list[str]:
    monthly = sorted(quiet.monthly(usual).items(), key=lambda item: -item[1])
    said = ", ".join(f"{name} {rate:.2f}" for name, rate in monthly[:8])
    rates = [rate for _, rate in monthly]
    return [
        f"Quiet years: {quiet.companies} companies, {quiet_years.START:%d %B %Y} to "
        f"{quiet_years.END:%d %B %Y}, five-minute counts of posts with their cash tags, which is "
        "unlike what consumers write. Alerts a company-month at the default: mean "
        f"{np.mean(rates):.2f}, median {np.median(rates):.2f}; most: {said}.",
        "",
    ]


def _left_out() -> list[str]:
    return [f"Quiet years: left out, no `{quiet_years.FILE}` in the data.", ""]
