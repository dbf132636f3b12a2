"""spaCy's French pattern of whole tokens ("faux-vampire", "saut-de-lit"), so that it compiles soon.

The pattern repeats classes of thousands of letters 600 times: Python takes over four seconds to
compile it, and tries 300 branches at every word. :func:`factored` groups the branches by what they
share; it matches the same words.
"""

import re
from collections import defaultdict
from typing import Final

_FLAGS: Final = "(?iu)"
_BRANCH: Final = re.compile(r"\(\?:\^([^$^]+)\$\)(?:\||\Z)")
_LONG: Final = r"\[(?:\\.|[^\]\\]){500,}\][*+?]?"
"""A class of hundreds of letters, with its quantifier."""
_PARTS: Final = re.compile(rf"({_LONG})?(.*?)((?:{_LONG}.*)?)\Z", re.DOTALL)
_GROUP: Final = re.compile(
    r"\\.|\[(?:\\.|[^\]\\])+\]|\((?:[^()\[\]\\]|\\.|\[(?:\\.|[^\]\\])+\])*\)"
)


def factored(pattern: str) -> str:
    """An equivalent pattern; the pattern itself if it is not a list of anchored branches.

    ``(?:^faux[a-z]+$)|(?:^semi[a-z]+$)`` becomes ``^(?:(?:faux|semi)[a-z]+)$``.
    """
    branches = _branches(pattern)
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for branch in branches:
        parts = _PARTS.match(branch)
        assert parts is not None, "every part may be empty"
        lead, middle, tail = parts.groups("")
        if _has_choice(middle) or _has_choice(tail):
            return pattern
        grouped[lead, tail].append(middle)
    if not grouped:
        return pattern
    groups = [f"{lead}(?:{'|'.join(middles)}){tail}" for (lead, tail), middles in grouped.items()]
    return f"{_FLAGS}^(?:{'|'.join(groups)})$"


def _branches(pattern: str) -> list[str]:
    """What is between ``(?:^`` and ``$)`` in each branch; empty for a pattern of another form."""
    if not pattern.startswith(_FLAGS):
        return []
    branches, at = [], len(_FLAGS)
    while at < len(pattern):
        branch = _BRANCH.match(pattern, at)
        if branch is None:
            return []
        branches.append(branch[1])
        at = branch.end()
    return branches


def _has_choice(part: str) -> bool:
    """Whether a bare ``|`` stands outside of all groups."""
    before = ""
    while before != part:
        before, part = part, _GROUP.sub("", part)
    return "|" in part
