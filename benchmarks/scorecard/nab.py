"""NAB's published score of anomaly detections, and the counts that it is made of.

Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms: the Numenta Anomaly
Benchmark", ICMLA 2015, as its reference implementation has it: a detection is worth
``2 / (1 + exp(5 y)) - 1`` at position ``y``, from -1 at the left edge of a window to 0 at the
right; only the first one in a window counts; one outside any window costs the same sigmoid at its
distance after the previous window, in widths of that window, and the full weight at three widths or
more, or without a previous window. The first 15 % of a series, at most 750 counts, are not scored.
No detection scores 0; the left edge of every window, and nothing else, scores 100.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PROBATION, PROBATION_OF_AT_MOST = 0.15, 5_000
_FAR = 3.0


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    true_positive: float
    false_positive: float
    false_negative: float


STANDARD = Profile("standard", 1.0, 0.11, 1.0)
REWARD_LOW_FP = Profile("reward_low_FP_rate", 1.0, 0.22, 1.0)
REWARD_LOW_FN = Profile("reward_low_FN_rate", 1.0, 0.11, 2.0)
PROFILES = (STANDARD, REWARD_LOW_FP, REWARD_LOW_FN)


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labels of a series; windows are rows, both ends included."""

    rows: int
    windows: tuple[tuple[int, int], ...]
    labels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        ends = [place for window in self.windows for place in window]
        if ends != sorted(ends) or any(not 0 <= place < self.rows for place in ends):
            raise ValueError("windows must lie in the series, in order, one after the other")

    @property
    def probation(self) -> int:
        """The number of rows at the start that are not scored."""
        return int(min(math.floor(PROBATION * self.rows), PROBATION * PROBATION_OF_AT_MOST))

    @property
    def scored(self) -> tuple[tuple[int, int], ...]:
        """The windows that end after the probation."""
        return tuple(window for window in self.windows if window[1] >= self.probation)


def sigmoid(position: float) -> float:
    """The value of a detection at a position relative to a window, in (-1, 1)."""
    return -1.0 if position >= _FAR else 2 / (1 + math.exp(5 * position)) - 1


@dataclass(frozen=True, slots=True)
class Tally:
    """The outcome of the detections of one or several series."""

    gained: float
    """Sum over the windows found of the value of their first detection, in [0, windows]."""
    lost: float
    """Sum over the false alarms of what each costs before weights, in [0, false alarms]."""
    windows: int
    found: int
    false_alarms: int
    scored_rows: int
    delays: tuple[int, ...] = ()
    """Rows from the start of each window found to its first detection."""
    after_label: tuple[int, ...] = ()
    """Rows from the first label of each window found to its first detection; may be negative."""

    def raw(self, profile: Profile) -> float:
        """NAB's score before it is normalised."""
        missed = self.windows - self.found
        return (
            profile.true_positive * self.gained
            - profile.false_positive * self.lost
            - profile.false_negative * missed
        )

    def score(self, profile: Profile) -> float:
        """NAB's normalised score: 0 for silence, 100 for perfection."""
        silent = -profile.false_negative * self.windows
        perfect = profile.true_positive * self.windows
        if perfect == silent:
            return math.nan
        return 100 * (self.raw(profile) - silent) / (perfect - silent)


def tally(labelled: Labelled, alerts: Iterable[int]) -> Tally:
    """Compares the alert rows of one series with its windows."""
    rows = sorted({row for row in alerts if row >= labelled.probation})
    gained, lost, delays, after = 0.0, 0.0, [], []
    inside = set()
    for start, end in labelled.scored:
        within = [row for row in rows if start <= row <= end]
        inside.update(within)
        if within:
            position = -(end - within[0] + 1) / (end - start + 1)
            gained += sigmoid(position) / sigmoid(-1.0)
            delays.append(within[0] - start)
            after += [within[0] - label for label in labelled.labels if start <= label <= end][:1]
    false = [row for row in rows if row not in inside]
    for row in false:
        before = [window for window in labelled.windows if window[1] < row]
        far = _FAR
        if before:
            start, end = before[-1]
            far = (row - end) / max(end - start, 1)
        lost -= sigmoid(far)
    return Tally(
        gained,
        lost,
        windows=len(labelled.scored),
        found=len(delays),
        false_alarms=len(false),
        scored_rows=labelled.rows - labelled.probation,
        delays=tuple(delays),
        after_label=tuple(after),
    )


def together(tallies: Sequence[Tally]) -> Tally:
    """Several series as one corpus, as NAB sums them."""
    return Tally(
        math.fsum(each.gained for each in tallies),
        math.fsum(each.lost for each in tallies),
        windows=sum(each.windows for each in tallies),
        found=sum(each.found for each in tallies),
        false_alarms=sum(each.false_alarms for each in tallies),
        scored_rows=sum(each.scored_rows for each in tallies),
        delays=tuple(delay for each in tallies for delay in each.delays),
        after_label=tuple(delay for each in tallies for delay in each.after_label),
    )
