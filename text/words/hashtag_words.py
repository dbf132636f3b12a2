"""The words of a hashtag: of #BoycottVelmora "boycott" and "velmora".

A capital, a digit or ``_`` begins a word. What people put before and behind a name in a crisis
(``BEFORE``, ``BEHIND``) is a word of its own in small letters too: #velmoragate, #boycottvelmora.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Final

import regex

from text.tokens import folded_form

MAX_WORDS: Final = 12
"""Words of a hashtag that are read."""
MIN_REST: Final = 4
"""Letters that stay beside what stands before or behind a name."""
BEFORE: Final = (
    "boycott", "boicot", "boicote", "boicota", "boikott", "boykott", "boycottez", "boicotta",
    "stop", "cancel", "delete", "quit", "ban", "fuck", "shameon", "shame", "justicefor", "save",
    "fix", "bye", "adieu", "anti", "free", "team", "basta", "nomore", "hey", "dear",
)  # fmt: skip
BEHIND: Final = (
    "gate", "down", "fail", "fails", "outage", "sucks", "scam", "out", "boycott", "leak", "leaks",
    "hack", "hacked", "breach", "strike", "crash", "fraud", "lies", "exposed", "isover",
    "isoverparty", "issue", "issues", "problem", "problems", "help", "support", "panne", "greve",
    "arnaque", "caido", "caida", "huelga", "estafa", "streik", "storung", "stoerung", "ausfall",
    "sciopero", "truffa", "disservizio", "greve", "golpe", "forno",
)  # fmt: skip
_BORDERS: Final = regex.compile(
    r"_+|(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\p{N})"
    r"|(?<=\p{N})(?=\p{L})|(?<=\p{Latin})(?=[\p{L}--\p{Latin}])|(?<=[\p{L}--\p{Latin}])(?=\p{Latin})",
    regex.VERSION1,
)
_BY_LENGTH: Final = {"before": sorted(BEFORE, key=len, reverse=True),
                         "behind": sorted(BEHIND, key=len, reverse=True)}  # fmt: skip


# The hashtags of an hour are few.
@lru_cache(maxsize=16_384)
def hashtag_words(tag: str) -> frozenset[str]:
    """The folded words of a hashtag and each row of them: "air", "volta", "airvolta", …

    A row does not go beyond an ``_``, so its letters stand in the hashtag side by side.
    """
    rows: set[str] = set()
    for part in tag.lstrip("#＃").split("_"):
        words = [word for piece in _BORDERS.split(part) if piece for word in _parted(piece)]
        words = words[:MAX_WORDS]
        for first, end in combinations(range(len(words) + 1), 2):
            rows.add("".join(words[first:end]))
    return frozenset(filter(None, rows))


def _parted(piece: str) -> Iterator[str]:
    """The folded word, without what people put before or behind a name."""
    word = folded_form(piece)
    for before in _BY_LENGTH["before"]:
        if word.startswith(before) and len(word) >= len(before) + MIN_REST:
            yield before
            word = word[len(before) :]
            break
    for behind in _BY_LENGTH["behind"]:
        if word.endswith(behind) and len(word) >= len(behind) + MIN_REST:
            yield word[: -len(behind)]
            yield behind
            return
    yield word
