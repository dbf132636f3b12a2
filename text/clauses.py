"""The clauses of a post, and which of them speak of a thing. Pure.

A post that praises one airline and damns another says each in a clause of its own. What is said of
one is read without the clauses that name only others; those that name nothing are about all.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

Span = tuple[int, int]
"""Start and end of a part of a text, in code points; the end is outside."""

_BREAK: Final = re.compile(
    r"""
    [.!?…。！？؟।]+(?=\s|$) | [\n;；؛]+
    | (?<!\w)(?:
        but | while | whereas | unlike            # en
      | mais | alors\ que | tandis\ que           # fr
      | pero | mientras\ que                      # es
      | aber | während                            # de
      | mentre                                    # it; "ma" is also the French "my"
      | mas | enquanto                            # pt
      | لكن | लेकिन | lekin                        # ar, hi
    )(?!\w)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def clauses(text: str) -> list[Span]:
    """The clauses, in order: all of the text is in one of them."""
    # Signs end a clause, words begin one.
    ends = (
        match.start() if match.group()[0].isalpha() else match.end()
        for match in _BREAK.finditer(text)
    )
    return list(pairwise(sorted({0, *ends, len(text)})))


def about(parts: Sequence[Span], named: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The clauses that are to be read for a thing: without those that name only others.

    ``named``: where the text names it; ``others``: where it names other things.
    """
    return [
        part
        for part in parts
        if any(_overlap(part, span) for span in named)
        or not any(_overlap(part, span) for span in others)
    ]


def _overlap(span: Span, other: Span) -> bool:
    return span[0] < other[1] and other[0] < span[1]
