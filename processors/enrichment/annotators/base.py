"""What every annotator is: a pure function over a batch of mentions, with a name and a version."""

from collections.abc import Sequence
from typing import Protocol

from schemas.mention import Mention


class Annotator(Protocol):
    """Fills its own field of each mention in place and touches nothing else.

    The result depends on the mentions alone (and on what was given to the constructor), so the
    same batch gives the same result live, offline and in a back-test. It must not raise for any
    text; if it does, the batch is bisected and the one post that it cannot take is dead-lettered.
    """

    @property
    def name(self) -> str:
        """What settings, metrics and provenance call it."""

    @property
    def version(self) -> str:
        """Changes whenever the results may change; kept in each mention's provenance."""

    @property
    def heavy(self) -> bool:
        """Too slow for every post: run only on those that name a brand."""

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Annotate each mention of the batch."""
