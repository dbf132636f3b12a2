"""The share of negatives with its interval, written from the papers and not from the code.

Rogan and Gladen (1978) by language, the variances of Lang and Reiczigel (2014), summed by weight;
the interval is widened to that of sampling alone (Wilson 1927).
"""

import json
from collections.abc import Mapping
from pathlib import Path

from tower.questions.sentiment_estimate import Share

RATES = json.loads(
    (Path(__file__).parents[3] / "tower/questions/classifier_error.json").read_text("utf-8")
)


def _rate(right: int, wrong: int) -> tuple[float, float]:
    share = (right + 2) / (right + wrong + 4)
    return share, share * (1 - share) / (right + wrong + 4)


def share(counts: Mapping[str, tuple[int, int]]) -> Share | None:
    """``counts``: negatives and all labels by language."""
    scored = sum(of for _, of in counts.values())
    if scored < 30:
        return None
    labelled = sum(negative for negative, _ in counts.values()) / scored
    unknown = sum(of for code, (_, of) in counts.items() if code not in RATES)
    if unknown > 0.3 * scored:
        return Share(labelled=labelled, scored=scored)
    pooled = {name: sum(rates[name] for rates in RATES.values()) for name in RATES["en"]}
    estimate = variance = 0.0
    for code, (negative, of) in counts.items():
        rates = RATES.get(code, pooled)
        se, var_se = _rate(rates["true_positive"], rates["false_negative"])
        sp, var_sp = _rate(rates["true_negative"], rates["false_positive"])
        p = (negative / of + sp - 1) / (se + sp - 1)
        smooth, var_p = _rate(negative, of - negative)
        spread = (var_p + p**2 * var_se + (1 - p) ** 2 * var_sp) / (se + sp - 1) ** 2
        estimate += of / scored * p
        variance += (of / scored) ** 2 * spread
        assert 0 < smooth < 1
    half = 1.96 * variance**0.5
    sampled_low, sampled_high = _wilson(labelled, scored)
    return Share(
        labelled=labelled,
        scored=scored,
        estimate=min(1.0, max(0.0, estimate)),
        low=min(1.0, max(0.0, min(sampled_low, estimate - half))),
        high=min(1.0, max(0.0, max(sampled_high, estimate + half))),
    )


def _wilson(share: float, of: int) -> tuple[float, float]:
    """The shares p whose own 95 % interval holds ``share``: the roots of a quadratic in p."""
    # (share - p)^2 = z^2 p (1 - p) / n
    z2 = 1.96**2 / of
    a, b, c = 1 + z2, -(2 * share + z2), share**2
    root = max(0.0, b * b - 4 * a * c) ** 0.5
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
