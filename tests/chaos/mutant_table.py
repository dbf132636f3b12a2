"""S21: mutants of the lines that hold the invariants of ``docs/architecture.md``.

Each replaces ``old``, which stands once in its file, by ``new``, and must be killed by one of its
tests. Texts are short, so that they outlive a change beside them.
"""

from tests.chaos import (
    coverage_mutants,
    detector_mutants,
    edge_mutants,
    loss_mutants,
    store_mutants,
    stream_mutants,
    time_mutants,
    tower_mutants,
)
from tests.chaos.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *stream_mutants.MUTANTS,
    *store_mutants.MUTANTS,
    *time_mutants.MUTANTS,
    *loss_mutants.MUTANTS,
    *edge_mutants.MUTANTS,
    *coverage_mutants.MUTANTS,
    *detector_mutants.MUTANTS,
    *tower_mutants.MUTANTS,
)
