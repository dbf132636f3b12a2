"""Suggestions for a misspelt name."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The closest known name, in any case; None if none is close.

    ``likeness``: from 0 to 1, of difflib: twice the common letters in all letters.
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower()[:50], by_lower, n=1, cutoff=likeness)
    return by_lower[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for an error: the closest known name, else all known names."""
    names = list(known)
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"known are {', '.join(names)}"
