"""The share of negatives with an interval of sampling and of the classifier's errors.

The labels of a classifier over- and undercount. With its sensitivity and specificity, measured on
labelled posts (``classifier_error.json``, written by ``python -m benchmarks.sentiment_error``), the
estimate of Rogan and Gladen (1978) corrects the share; the delta method gives the variance from the
sample and from both rates (Lang and Reiczigel 2014).

Those posts are of other subjects than a brand's, where the rates may be better or worse. So the
figure is the share of labels, and its interval reaches from what sampling alone allows to what the
corrected estimate does: the truth of the invented day lies in it, which it does in neither alone.
"""

import importlib.resources
import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.types import Count, JsonObject, Message, Probability
from tower.questions.question import Scope

NEGATIVE: Final = "negative"
TONES: Final = ("negative", "neutral", "positive")
MIN_SCORED: Final = 30
"""Below it a share says nothing."""
MAX_UNKNOWN: Final = 0.3
"""Share of mentions in languages without measured rates, above which there is no estimate."""
_Z: Final = 1.96
MAX_BRANDS: Final = 1_000
"""Brands in the filter for a sentiment towards any of them."""


class Share(Message, kw_only=True):
    """A share of negatives: as labelled, and corrected with a 95 % interval."""

    labelled: Annotated[Probability, Meta(description="Negative labels by all labels.")]
    scored: Annotated[Count, Meta(description="Mentions with a label.")]
    estimate: Annotated[
        Probability | None,
        Meta(description="Corrected for the classifier's errors; absent: languages not measured."),
    ] = None
    low: Annotated[
        Probability | None,
        Meta(description="Lower end: of sampling or of the correction, whichever is lower."),
    ] = None
    high: Annotated[Probability | None, Meta(description="Upper end, likewise.")] = None


class Rates(Struct, frozen=True):
    """Counts on labelled targets: how the label ``negative`` does."""

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int

    @property
    def sensitivity(self) -> tuple[float, float]:
        """The share of negatives that get the label, with its variance."""
        return _share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> tuple[float, float]:
        """The share of others that do not get it, with its variance."""
        return _share(self.true_negative, self.true_negative + self.false_positive)

    def __add__(self, other: "Rates") -> "Rates":
        return Rates(
            self.true_positive + other.true_positive,
            self.false_negative + other.false_negative,
            self.false_positive + other.false_positive,
            self.true_negative + other.true_negative,
        )


def _share(count: int, of: int) -> tuple[float, float]:
    # Agresti and Coull: a rate of 1 from few posts is not certain.
    share = (count + 2) / (of + 4)
    return share, share * (1 - share) / (of + 4)


@cache
def published_rates() -> Mapping[str, Rates]:
    """Language to the measured counts."""
    file = importlib.resources.files("tower.questions") / "classifier_error.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Rates])


def tone_filters(scope: Scope) -> JsonObject:
    """The filters by tone: towards the brand of the query, or towards any brand."""
    brands = [scope.brand] if scope.brand else list(scope.context.brands)[:MAX_BRANDS]
    return {
        tone: {"terms": {"brand_sentiment": [f"{brand}={tone}" for brand in brands]}}
        for tone in TONES
    }


def tones_of(filters: JsonObject) -> dict[str, int]:
    """Mentions by tone, of the aggregation of :func:`tone_filters`."""
    found = filters["buckets"]
    return {tone: int(found[tone]["doc_count"]) for tone in TONES}


def share_of(languages: Iterable[JsonObject], everything: JsonObject) -> Share | None:
    """The share of negatives from buckets of languages with their tones; None: too few.

    ``everything``: the tones of all mentions; those in no bucket are of an unknown language.
    """
    counts = {}
    rest = tones_of(everything)
    for bucket in languages:
        tones = tones_of(bucket["tones"])
        rest = {tone: rest[tone] - tones[tone] for tone in TONES}
        if scored := sum(tones.values()):
            counts[str(bucket["key"])] = (tones[NEGATIVE], scored)
    if scored := sum(rest.values()):
        counts[""] = (rest[NEGATIVE], scored)
    return estimate(counts, published_rates())


def estimate(counts: Mapping[str, tuple[int, int]], rates: Mapping[str, Rates]) -> Share | None:
    """The share from (negatives, scored) by language; None below ``MIN_SCORED``. Pure."""
    scored = sum(of for _, of in counts.values())
    if scored < MIN_SCORED:
        return None
    labelled = sum(count for count, _ in counts.values()) / scored
    unknown = sum(of for language, (_, of) in counts.items() if language not in rates)
    if unknown > MAX_UNKNOWN * scored or not rates:
        return Share(labelled=labelled, scored=scored)
    pooled = sum(list(rates.values())[1:], start=next(iter(rates.values())))
    share = variance = 0.0
    for language, (count, of) in counts.items():
        corrected, spread = _corrected(count, of, rates.get(language, pooled))
        weight = of / scored
        share += weight * corrected
        variance += weight**2 * spread
    half = _Z * math.sqrt(variance)
    sampled_low, sampled_high = wilson(round(labelled * scored), scored)
    return Share(
        labelled=labelled,
        scored=scored,
        estimate=_clipped(share),
        low=_clipped(min(sampled_low, share - half)),
        high=_clipped(max(sampled_high, share + half)),
    )


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927)."""
    share, z = count / of, _Z
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def _corrected(count: int, of: int, rates: Rates) -> tuple[float, float]:
    """The Rogan-Gladen estimate of one language, and its variance."""
    (sensitivity, of_sensitivity), (specificity, of_specificity) = (
        rates.sensitivity,
        rates.specificity,
    )
    seen = count / of
    gain = sensitivity + specificity - 1
    if gain <= 0.05:  # no better than chance: nothing can be said
        return seen, 0.25
    share = (seen + specificity - 1) / gain
    sampled, of_sample = _share(count, of)
    del sampled
    variance = (of_sample + share**2 * of_sensitivity + (1 - share) ** 2 * of_specificity) / gain**2
    return share, variance


def _clipped(share: float) -> float:
    return min(1.0, max(0.0, share))
