"""Texts side by side in rows of one length: the layers compute little that is padding.

A row holds several short texts, and each attends to its own tokens only. All rows are about equally
long, so few shapes are prepared and a run of few posts costs no more a token than one of many.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

ROW: Final = 64
"""Tokens of a row; a longer text has a row of its own. Longer rows cost more attention."""
RUN: Final = 512
"""Tokens of a run: more do not fit the cache, and fewer pay more each for reading the weights."""
_STEP: Final = 8
"""A run's rows are padded to a multiple of this: each shape is prepared once, in milliseconds."""


class Place(NamedTuple):
    """Where a text is: its number, and its tokens among those of all rows of the run."""

    text: int
    first: int
    end: int


@dataclass(frozen=True)
class Run:
    """Rows that go through the layers together."""

    rows: int
    length: int
    places: Sequence[Place]
    """In the order of their tokens."""

    def spread(self, values: Sequence[Sequence[int]], padding: int) -> npt.NDArray[np.int64]:
        """The values of each place one after another: (rows, length)."""
        table = np.full(self.rows * self.length, padding, np.int64)
        for own, (_, first, end) in zip(values, self.places, strict=True):
            table[first:end] = own
        return table.reshape(self.rows, self.length)

    @cached_property
    def owners(self) -> npt.NDArray[np.int64]:
        """The number of each token's place, from 1; 0 for padding: (rows, length)."""
        counts = [[number] * (end - first) for number, (_, first, end) in enumerate(self.places, 1)]
        return self.spread(counts, 0)


def runs_of(lengths: Sequence[int]) -> Iterator[Run]:
    """Each text with tokens once, in rows that are as full as can be. Pure."""
    order = sorted((at for at, own in enumerate(lengths) if own), key=lambda at: -lengths[at])
    long = [[at] for at in order if lengths[at] > ROW]
    short = _rows([at for at in order if lengths[at] <= ROW], lengths)
    for rows, most in ((long, RUN // (2 * ROW)), (short, RUN // ROW)):
        for begin in range(0, len(rows), most):
            yield _run(rows[begin : begin + most], lengths)


def _rows(order: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    """Texts to rows: each, the longest first, to the row with the least room that is enough."""
    rows: list[list[int]] = []
    by_room: list[list[list[int]]] = [[] for _ in range(ROW + 1)]
    for at in order:
        own = lengths[at]
        room = next((room for room in range(own, ROW + 1) if by_room[room]), 0)
        if room:
            row = by_room[room].pop()
        else:
            room = ROW
            rows.append(row := [])
        row.append(at)
        by_room[room - own].append(row)
    return rows


def _run(rows: Sequence[Sequence[int]], lengths: Sequence[int]) -> Run:
    longest = max(sum(lengths[at] for at in row) for row in rows)
    length = -(-longest // _STEP) * _STEP
    places = []
    for number, row in enumerate(rows):
        first = number * length
        for at in row:
            places.append(Place(at, first, first + lengths[at]))
            first += lengths[at]
    return Run(len(rows), length, places)
