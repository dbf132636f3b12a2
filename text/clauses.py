"""The clauses of a post, and those that are about a target.

A post that praises one airline and damns another uses a clause for each. The sentiment towards
one is read without the clauses that name only others; a clause without a name is about all.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

Span = tuple[int, int]
"""Start and end in a text, in code points; the end is exclusive."""

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
    """The clauses in order; together they are the whole text."""
    # Punctuation ends a clause, a conjunction begins one.
    ends = (
        match.start() if match.group()[0].isalpha() else match.end()
        for match in _BREAK.finditer(text)
    )
    return list(pairwise(sorted({0, *ends, len(text)})))


def about(parts: Sequence[Span], named: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The clauses about a target, named at ``named``: all but those that name only ``others``."""
    return [
        clause
        for clause in parts
        if any(_overlap(clause, span) for span in named)
        or not any(_overlap(clause, span) for span in others)
    ]


def _overlap(span: Span, other: Span) -> bool:
    return span[0] < other[1] and other[0] < span[1]
