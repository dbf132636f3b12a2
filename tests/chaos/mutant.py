"""What a mutant is: a broken line of an invariant, and the tests that must notice."""

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    """What the mutant does wrong."""
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """Files that must notice."""
