"""The operators of other tools and of other languages, and what they are called here.

They are words or punctuation here. Each is told where two terms stand side by side, which is a
mistake whatever the words are; none takes a word away from a query that is right.
"""

import re
from typing import Final

from queries.language.errors import QueryError

_AND: Final = "et und y e og och ve và dan и а также और و"
_OR: Final = "ou oder o u lub eller veya yahut hoặc atau или या أو او"
_NOT: Final = (
    "sauf sans pas non nicht ohne kein no sin não nao sem senza niet zonder nie bez inte ikke değil"
    " không не नहीं ليس بدون without except exclude but"
)
_WORDS: Final = {
    **dict.fromkeys(_AND.split(), "AND"),
    **dict.fromkeys(_OR.split(), "OR"),
    **dict.fromkeys(_NOT.split(), "NOT"),
    "andnot": "AND NOT",
    "butnot": "AND NOT",
    "notin": "NOT",
    "xor": "OR",
    "près": "NEAR/5",
    "proche": "NEAR/5",
    "nahe": "NEAR/5",
    "cerca": "NEAR/5",
    "vicino": "NEAR/5",
    "around": "NEAR/5",
    "within": "NEAR/5",
    "adj": "NEAR/0f",
    "same": "NEAR/20",
    "sentence": "NEAR/20",
    "paragraph": "NEAR/50",
    "before": "NEAR/5f",
    "followed": "NEAR/5f",
    "then": "NEAR/5f",
}
_DISTANCE: Final = re.compile(
    r"(?P<name>near|around|within|prox|proximity|adj|pre|onear|w|n|p)?/?(?P<words>\d{1,3})",
    re.IGNORECASE,
)
_ORDERED: Final = frozenset({"adj", "pre", "onear", "p"})
_GLUED: Final = re.compile(r"(AND|OR|NOT)(?=[^\W\d_A-Z]|[\"#@])")
_PARAGRAPH: Final = {"/s": "NEAR/20", "/p": "NEAR/50"}
"""The same sentence, the same paragraph."""
_SIGNS: Final = {
    "&": "AND", "&&": "AND", "+": "AND", "＆": "AND", "∧": "AND", "|": "OR", "||": "OR",
    "｜": "OR", "∨": "OR", "-": "NOT", "–": "NOT", "—": "NOT", "−": "NOT", "!": "NOT",
    "！": "NOT", "¬": "NOT", "-->": "NOT", "->": "NOT",
}  # fmt: skip


def sign_operator(raw: str) -> str | None:
    """The operator that a sign between two terms means elsewhere."""
    return _SIGNS.get(raw)


def word_operator(raw: str) -> str | None:
    """The operator that a word between two terms means elsewhere: OU, UND, w/5, AROUND."""
    lower = raw.lower()
    if lower in _PARAGRAPH:
        return _PARAGRAPH[lower]
    distance = _DISTANCE.fullmatch(raw)
    if distance and (distance["name"] or raw.startswith("/")):
        ordered = (distance["name"] or "").lower() in _ORDERED
        return f"NEAR/{min(int(distance['words']), 100)}{'f' if ordered else ''}"
    return _WORDS.get(lower)


def glued_operator(raw: str) -> str | None:
    """The operator that lacks a space behind it, with its space: ``NOT jus`` for NOTjus."""
    glued = _GLUED.match(raw)
    return f"{glued[1]} {raw[glued.end() :]}" if glued else None


def refuse_after_group(text: str, raw: str, start: int) -> None:
    """Refuse ``(…)~5`` and ``(…)^2``, the distance and the weight of a group elsewhere."""
    if raw[0] not in "~^" or text[start - 1 : start] not in (")", "）"):
        return
    end = start + len(raw)
    if raw[0] == "^":
        message, hint = "a group has no weight", f"leave {raw} out: results are not ranked"
        raise QueryError(message, start, end, hint)
    words = raw[1:] if raw[1:].isdecimal() and len(raw) < 5 else "5"
    raise QueryError(
        "a group has no distance", start, end,
        f"write NEAR between what must be close, such as (a OR b) NEAR/{words} c; "
        f'for words in any order, "a b c"~{words}',
    )  # fmt: skip
