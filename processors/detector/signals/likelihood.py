"""How surprising it is that something is said more than before: Dunning's log-likelihood.

Unlike a test of normal proportions it holds for what is rare (Dunning 1993,
https://aclanthology.org/J93-1003).
"""

import math


def log_likelihood(count: float, of: float, usually: float, of_usual: float) -> float:
    """Of two shares being one, times minus two."""
    share = (count + usually) / (of + of_usual)
    parts = ((count, of * share), (usually, of_usual * share))
    return 2 * sum(seen * math.log(seen / expected) for seen, expected in parts if seen > 0)


def deviate(count: float, of: float, usually: float, of_usual: float, looked_at: int = 1) -> float:
    """Standard deviations by which a share has risen; 0 where it has not.

    ``looked_at`` is how many shares were looked at to find this one. The tail of a normal
    distribution falls as exp(-z²/2), so that Bonferroni's correction takes 2 ln n from z².
    """
    if count * of_usual <= usually * of:
        return 0.0
    squared = log_likelihood(count, of, usually, of_usual) - 2 * math.log(max(looked_at, 1))
    return math.sqrt(max(squared, 0.0))
