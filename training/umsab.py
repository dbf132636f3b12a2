"""UMSAB's Hindi posts: for many of them the label is not of the text.

How it was found: a teacher of 12 layers scored all posts (probability of positive less that of
negative), and the score was correlated with the label in windows of 150 rows. In every other
language it is about 0.7 throughout. In Hindi it is 0.0 over the first half of the training file and
0.4 to 0.6 after it, from one window to the next; over the validation file it is 0.0 everywhere, and
no shift of the labels against the texts makes it better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

UNTOLD: Final = 919
"""Hindi rows at the top of the training file whose labels do not match their texts."""

AT_CHANCE: Final = frozenset({"hi"})
"""Languages of the validation file whose labels say nothing: what is chosen is chosen without."""

Row = dict[str, Any]


def labelled(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of the training file whose labels are of their texts."""
    hindi = 0
    for row in rows:
        hindi += row["lang"] == "hi"
        if row["lang"] != "hi" or hindi > UNTOLD:
            yield row
