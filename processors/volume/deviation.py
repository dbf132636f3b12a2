"""How far recent counts are from the expected ones, over several windows at once.

A window is a leaky sum of counts beside the same sum of expectations: two numbers instead of a
buffer, at any spacing. Both are brought to a scale on which a negative binomial count has about
unit variance whatever its mean (Anscombe, "The transformation of Poisson, binomial and
negative-binomial data", Biometrika 35, 1948: square root for small counts, logarithm for large).
Their difference is divided by the usual one, which is at least counting noise.
"""

import numpy as np

from processors.volume.parameters import VolumeParameters
from processors.volume.seasonality import DAY_MINUTES, Flags, Floats

SHIFT = 0.375


def stabilised(counts: Floats, dispersion: float) -> Floats:
    """Counts on a scale of unit variance; any shape, counts >= 0."""
    if dispersion == 0:
        return np.asarray(2 * np.sqrt(counts + SHIFT))
    return np.asarray(2 / np.sqrt(dispersion) * np.arcsinh(np.sqrt(dispersion * (counts + SHIFT))))


def _power(base: Floats, exponents: Floats) -> Floats:
    """Outer powers, (n, 1) and (m,) to (n, m); the last bit does not depend on m."""
    # numpy's own power takes another code path for stretched operands than for flat ones.
    return np.asarray(np.exp(np.log(np.maximum(base, 1e-300)) * exponents))


class Deviation:
    """Windows and usual deviations of ``size`` brands; 4 floats a window and brand."""

    def __init__(self, parameters: VolumeParameters, size: int) -> None:
        self._parameters = parameters
        shape = (len(parameters.windows), size)
        self.state: Floats = np.zeros((4 * shape[0], size))
        """All numbers of the state, a row each; the fields are views of it."""
        fields = self.state.reshape(4, *shape)
        self.counts: Floats = fields[0]
        self.expected: Floats = fields[1]
        self.weights: Floats = fields[2]
        """Intervals in each window."""
        self.scale: Floats = fields[3]
        """Usual deviation on the stabilised scale."""
        self.scale[:] = 1.0
        self.sums: Floats = np.zeros(shape)
        """Counts in each window, as last weighed; not part of the state."""

    def weigh(
        self, counts: Floats, expected: Floats, steps: Floats, step: float, present: Flags
    ) -> Floats:
        """Deviations of all windows, in stabilised units; shape (windows, brands).

        ``steps``: intervals since each brand's last count. Missing counts are unknown, not zero,
        so counts and expectations fade alike.
        """
        lengths = np.maximum(np.array(self._parameters.windows) / step, 1.0)[:, None]
        fade = 1 - 1 / lengths
        kept = np.where(steps == 1, fade, _power(fade, steps))
        for sums, new in ((self.counts, counts), (self.expected, expected), (self.weights, 1.0)):
            np.copyto(sums, kept * sums + new, where=present)
        share = np.minimum(lengths, self.weights) / np.maximum(self.weights, 1.0)
        dispersion = self._parameters.dispersion
        self.sums = self.counts * share
        return stabilised(self.sums, dispersion) - stabilised(self.expected * share, dispersion)

    def evidence(self, deviations: Floats) -> Floats:
        """How unusual all windows are together; shape (brands,), in usual deviations.

        A power mean of exponent 1/4, so the windows must agree: a burst without a rise, and a rise
        without a burst, weigh less than both. Below expectation a window says nothing.
        """
        usual = np.minimum(np.maximum(deviations / self.scale, 0.0), self._parameters.cap)
        # Square roots are exact, so a brand has the same evidence alone as among others.
        mean = np.sqrt(np.sqrt(usual)).mean(axis=0)
        return np.asarray(np.square(np.square(mean)))

    def learn(self, deviations: Floats, seen: Floats, step: float, present: Flags) -> None:
        """Learn the usual deviations; ``seen``: earlier counts of each brand."""
        days = step / DAY_MINUTES
        final_pace = 1 - 0.5 ** (days / self._parameters.spread_days)
        pace = np.maximum(final_pace, 1 / (seen + 1 + self._parameters.spread_prior_days / days))
        limit = self._parameters.clip * self.scale
        squares = self.scale * self.scale
        clipped = np.clip(deviations, -limit, limit)
        squares = squares + pace * (clipped * clipped - squares)
        np.copyto(self.scale, np.sqrt(np.maximum(squares, 1.0)), where=present)

    def noise(self, expected: Floats) -> Floats:
        """Usual deviation of one count, in counts; shape (brands,)."""
        variance = expected + self._parameters.dispersion * expected * expected + SHIFT
        return np.asarray(self.scale[0] * np.sqrt(variance))
