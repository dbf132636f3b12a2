"""Whether a post may be in one of the languages that a brand listens to.

The language of a short post is a guess, and a guess must not silence a brand: a post is kept unless
its languages are improbable together. The name of the brand is left out, since it is no word of any
language. Few words in Latin letters ("DM svp", "mdr") tell nothing; there the platform is believed.
What this loses and keeps is measured by ``python -m benchmarks.brand_languages``.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

from schemas.mention import Match
from text.codes import language_code
from text.prose import prose

FEW_WORDS: Final = 2
"""Without the brand's name; up to as many in Latin letters decide nothing."""
FEW_HINTED: Final = 6
"""Up to so many words, the platform's word that it is a wanted language is enough."""
MIN_SHARE: Final = 0.01
"""Probability from which a language is possible ..."""
MIN_SHARE_HINTED: Final = 0.001
"""... if the platform says that it is one of them ..."""
MIN_SHARE_OTHER: Final = 0.05
"""... and if it says that it is another one."""
_OTHER_LETTER: Final = re.compile(r"(?![A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff])[^\W\d_]")

ShareOf = Callable[[str, Collection[str], str | None], float]
"""A text, languages, and the platform's tag, to the probability that it is in one of them."""


def may_be_in(
    wanted: Collection[str], text: str, matches: Iterable[Match], hint: str | None, share: ShareOf
) -> bool:
    """``matches``: the places of the brand; ``hint``: the platform's tag."""
    rest = without(text, matches)
    cleaned = prose(rest)
    words = len(cleaned.split())
    hinted = language_code(hint) if hint else None
    if hinted in wanted:
        return words <= FEW_HINTED or share(rest, wanted, hint) >= MIN_SHARE_HINTED
    if hinted is not None:
        return share(rest, wanted, hint) >= MIN_SHARE_OTHER
    if words <= FEW_WORDS and _OTHER_LETTER.search(cleaned) is None:
        return True
    return share(rest, wanted, None) >= MIN_SHARE


def without(text: str, matches: Iterable[Match]) -> str:
    """The text with spaces in the places of a brand."""
    for match in matches:
        if match.field == "text" and match.start is not None and match.end is not None:
            text = text[: match.start] + " " * (match.end - match.start) + text[match.end :]
    return text
