"""Two recognisers' names of one text made one: the first one's, corrected where the second is sure.

spaCy's recogniser goes by the words that it knows and by capitals, the encoder by the sentence;
they err on different names. The two bounds were chosen on WNUT-17 dev, section h of the Broad
Twitter Corpus and the English validation part of WikiNEuRal (`docs/models/entities.md`).
"""

from collections.abc import Sequence
from typing import Final

from processors.models.encoder_model import NamedSpan
from processors.models.name_model import Name

ADDS: Final = 0.9
"""Lowest probability at which the second recogniser's name is added where the first found none."""
REPLACES: Final = 0.95
"""The same where the first found another name or another label."""


def second_opinion(first: Sequence[Name], second: Sequence[NamedSpan]) -> list[Name]:
    """The names of both without overlaps, in the order of the text."""
    sure: list[Name] = [name[:3] for name in second if name.probability > REPLACES]
    kept = [name for name in first if not _overlap(name, sure)]
    # A name that is sure stands; the first's that it replaces are gone.
    named = [*kept, *sure]
    named += [n[:3] for n in second if n.probability > ADDS and not _overlap(n[:3], named)]
    return sorted(named)


def _overlap(name: Name, others: Sequence[Name]) -> bool:
    return any(name[0] < end and start < name[1] for start, end, _ in others)
