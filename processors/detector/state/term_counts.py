"""Decayed counts of a brand's past terms, in twelve bytes a term.

Past terms are looked up and never named: a hash of 32 bits stands for each. Two terms of a brand
with one hash would make a new topic look known, in one case of a million.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FADED: Final = 0.01
"""A count below this is forgotten."""
_KEYS: Final = "<u4"
_COUNTS: Final = "<f8"


class TermCounts(Struct):
    """Counts by term, oldest first; serialised as they are in memory.

    Terms that were learnt together have equal counts side by side, which compress to nothing.
    """

    keys: bytes = b""
    """The hashes."""
    counts: bytes = b""

    def __len__(self) -> int:
        return len(self.keys) // 4

    def get(self, term: str) -> float:
        """The count of a term; 0 of an unknown one."""
        (places,) = np.nonzero(np.frombuffer(self.keys, _KEYS) == _key(term))
        return float(np.frombuffer(self.counts, _COUNTS)[places[0]]) if len(places) else 0.0

    def decay(self, kept: float) -> None:
        """Multiply all counts, and forget those that have faded."""
        if not self.keys:
            return
        counts = np.frombuffer(self.counts, _COUNTS) * kept
        if counts.min() >= FADED:
            self.counts = counts.tobytes()
        else:
            self._keep(np.frombuffer(self.keys, _KEYS), counts, counts >= FADED)

    def add(self, terms: Iterable[tuple[str, float]]) -> None:
        """Add counts, one after the other."""
        pairs = list(terms)
        if not pairs:
            return
        keys, added = np.frombuffer(self.keys, _KEYS), [_key(term) for term, _ in pairs]
        places = _places(keys, np.array(added, _KEYS))
        new = dict[int, int]()
        for number, key in enumerate(added):
            if places[number] == len(keys):
                places[number] += new.setdefault(key, len(new))
        sums = np.concatenate([np.frombuffer(self.counts, _COUNTS), np.zeros(len(new))])
        np.add.at(sums, places, [count for _, count in pairs])
        self.keys += np.array(list(new), _KEYS).tobytes()
        self.counts = sums.astype(_COUNTS).tobytes()

    def trim(self, limit: int) -> None:
        """Keep the ``limit`` largest counts where there are more than twice as many."""
        if len(self) <= 2 * limit:
            return
        counts = np.frombuffer(self.counts, _COUNTS)
        largest = np.sort(np.argsort(-counts, kind="stable")[:limit])
        self._keep(np.frombuffer(self.keys, _KEYS), counts, largest)

    def _keep(
        self,
        keys: NDArray[np.uint32],
        counts: NDArray[np.float64],
        which: NDArray[np.bool_] | NDArray[np.intp],
    ) -> None:
        self.keys, self.counts = keys[which].tobytes(), counts[which].tobytes()


def _places(keys: NDArray[np.uint32], wanted: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Where the wanted hashes stand among the keys; the number of keys if they do not."""
    order = np.argsort(keys, kind="stable")
    near = np.searchsorted(keys, wanted, sorter=order)
    # One more place, so that what is beyond the largest key has one.
    places = np.append(order, len(keys))[near]
    padded = np.append(keys, np.uint32(0))
    return np.where((near < len(keys)) & (padded[places] == wanted), places, len(keys))


def _key(term: str) -> int:
    return int.from_bytes(
        blake2b(term.encode("utf-8", "replace"), digest_size=4).digest(), "little"
    )
