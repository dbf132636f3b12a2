"""Whether "orange" is the brand: learnt for one brand from a few texts that somebody has read.

A logistic regression over the words around the match, their parts, its neighbours, how it is
written and the language. It is learnt in milliseconds when the brand is first met, from
``Brand.examples`` alone: nothing is random, and nothing is kept but the weights.

Some matches need little proof: a handle, and a name of several words ("Orange Business"). They
begin with odds for the brand, which examples can overrule.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from brands.brand_matcher import BrandMatcher
from schemas.brand import Brand
from schemas.mention import Match
from schemas.post import Author, Post
from text.tokens import Tokens, is_link, tokenize

UNKNOWN = "und"

_REACH = 40
"""Words on either side that are looked at: what a long text says elsewhere is not about it."""
_PART = 4
"""Letters of the parts of words that are looked at too: "tarifs" knows "tarif" by them."""
_NEAR = 2
_WEIGHTS = {
    "word": 1.0, "part": 0.4, "near": 0.7, "side": 0.7, "sign": 0.7, "case": 0.7, "place": 0.3,
    "language": 2.0,
}  # fmt: skip
"""How much the kinds of evidence count before anything is learnt. The language counts most: where
it decides, five examples show it, and where it does not, it is the same in all."""
_SURE = 5.0
"""Log-odds (150 to 1) with which a handle or a long name begins."""
_PENALTY = 0.01
"""Weak: more of it tells the kinds apart no better, and makes every answer "perhaps"."""
_BIAS = 0.3
_BALANCE = 10.0
"""At most this much more counts an example of the rarer kind: the kinds count alike."""
_STEPS = 25
_BLOCK = 4096

_Evidence = dict[str, float]
_Floats = NDArray[np.float64]
Identify = Callable[[Sequence[str]], Sequence[str]]
"""Texts to their languages, ISO 639-1 or ``und``."""

_UNREAD = Post(
    id="example:1",
    source="example",
    author=Author(id="1"),
    text="",
    created_at=datetime(1970, 1, 1, tzinfo=UTC),
)


class Disambiguator:
    """What was learnt for one brand. Immutable; ``confidence`` is pure and thread-safe."""

    def __init__(self, weights: Mapping[str, float], bias: float, long_names: frozenset[str]):
        self._weights = weights
        self._bias = bias
        self._long_names = long_names

    def confidence(self, tokens: Tokens, match: Match, language: str | None = None) -> float:
        """The probability that the match means the brand, to 4 digits.

        ``tokens`` are of the field that the match is in; of the text, for ``mentions``.
        """
        evidence = _evidence(tokens, match, language)
        learnt = sum(self._weights.get(name, 0.0) * value for name, value in evidence.items())
        odds = learnt + self._bias + _prior(tokens, match, self._long_names)
        return round(1 / (1 + math.exp(-max(-40.0, min(40.0, odds)))), 4)


def is_taught(brand: Brand) -> bool:
    """Whether there is anything to learn: an example of either kind."""
    return len({example.about for example in brand.examples}) > 1


def learn(brand: Brand, identify: Identify | None = None) -> Disambiguator | None:
    """From the brand's examples; None where they are none, or all of one kind.

    Without ``identify`` languages are not learnt from. The result depends on nothing else.
    """
    if not is_taught(brand):
        return None
    matcher = BrandMatcher([brand])
    long_names = _long_names(brand)
    texts = [example.text for example in brand.examples]
    languages: Sequence[str | None] = identify(texts) if identify else [None] * len(texts)
    evidence: list[_Evidence] = []
    priors: list[float] = []
    for text, language in zip(texts, languages, strict=True):
        tokens, match = tokenize(text), _first_match(matcher, text)
        evidence.append(_evidence(tokens, match, language))
        priors.append(_prior(tokens, match, long_names))
    about = np.array([example.about for example in brand.examples], dtype=np.float64)
    names, weights, bias = _fit(evidence, np.array(priors), about)
    return Disambiguator(dict(zip(names, weights.tolist(), strict=True)), bias, long_names)


def _first_match(matcher: BrandMatcher, text: str) -> Match | None:
    """An example may leave the name out; then its words speak for themselves."""
    brands = matcher.match(replace(_UNREAD, text=text))
    return next((match for brand in brands for match in brand.matches), None)


def _long_names(brand: Brand) -> frozenset[str]:
    """Names of several words, as one: so are the hashtags that they make."""
    names = [tokenize(name).folded for name in brand.names or [brand.name]]
    return frozenset("".join(words) for words in names if len(words) > 1)


def _prior(tokens: Tokens, match: Match | None, long_names: frozenset[str]) -> float:
    if match is None:
        return 0.0
    place = _place(tokens, match)
    if place is None or tokens.folded[place[0]][0] == "@":
        return _SURE
    words = "".join(tokens.folded[place[0] : place[1]]).lstrip("#")
    return _SURE if words in long_names else 0.0


def _place(tokens: Tokens, match: Match) -> tuple[int, int] | None:
    """First token of the match and the one behind it; None where the platform alone named it."""
    if match.start is None or match.end is None:
        return None
    first = bisect_left(tokens.starts, match.start)
    last = bisect_right(tokens.starts, match.end - 1)
    return (first, last) if first < last else None


def _evidence(tokens: Tokens, match: Match | None, language: str | None) -> _Evidence:
    """What speaks for or against, of length 1 whatever the length of the text."""
    place = None if match is None else _place(tokens, match)
    names = dict.fromkeys(_names(tokens, place, match is not None))
    if language is not None and language != UNKNOWN:
        names["language " + language] = None
    values = {name: _WEIGHTS[name.partition(" ")[0]] for name in names}
    length = math.sqrt(sum(value * value for value in values.values())) or 1.0
    return {name: value / length for name, value in values.items()}


def _names(tokens: Tokens, place: tuple[int, int] | None, matched: bool) -> Iterator[str]:
    start, end = place or (0, 0)
    folded = tokens.folded
    low, high = max(0, start - _REACH), min(len(folded), end + _REACH)
    for index in range(low, high):
        if not start <= index < end:
            word = _plain(folded[index])
            yield "word " + word
            if len(word) >= _PART:
                marked = f"^{word[:_REACH]}$"
                for at in range(len(marked) - _PART + 1):
                    yield "part " + marked[at : at + _PART]
    if place is None:
        if matched:
            yield "sign @"
        return
    for step in range(1, _NEAR + 1):
        for side, index in ((-step, start - step), (step, end + step - 1)):
            word = _plain(folded[index]) if 0 <= index < len(folded) else "|"
            yield f"side {side} {word}"
            yield "near " + word
    exact = tokens.exact[start]
    yield "sign " + (folded[start][0] if folded[start][0] in "@#$" else "none")
    letters = exact.lstrip("#@$＃＠")
    yield "case " + ("upper" if letters.isupper() else "title" if letters[:1].isupper() else "low")
    yield "place " + ("first" if start == 0 else "last" if end == len(folded) else "middle")


def _plain(word: str) -> str:
    """Handles and links are only that; a hashtag is its word."""
    if word[0] == "@":
        return "@"
    if is_link(word):
        return "://"
    return word.lstrip("#") or word


def _fit(
    evidence: Sequence[_Evidence], priors: _Floats, about: _Floats
) -> tuple[list[str], _Floats, float]:
    """Names, their weights and the bias: Newton's method in as many unknowns as examples."""
    numbers: dict[str, int] = {}
    for example in evidence:
        for name in example:
            numbers.setdefault(name, len(numbers))
    rows = np.repeat(np.arange(len(evidence)), [len(example) for example in evidence])
    columns = np.array([numbers[name] for example in evidence for name in example], dtype=np.int64)
    values = np.array([value for example in evidence for value in example.values()])
    share = about.mean()
    counts = np.minimum(np.where(about > 0, 0.5 / share, 0.5 / (1 - share)), _BALANCE)
    alike = _products(rows, columns, values, len(evidence), len(numbers)) + _BIAS
    parts = np.zeros(len(evidence))
    for _ in range(_STEPS):
        learnt = alike @ parts
        chance = 1 / (1 + np.exp(-np.clip(learnt + priors, -40, 40)))
        curve = np.maximum(counts * chance * (1 - chance), 1e-4)
        target = learnt + counts * (about - chance) / curve
        step = np.linalg.solve(alike + _PENALTY * np.diag(1 / curve), target) - parts
        parts += step
        if np.abs(step).max() < 1e-6:
            break
    sums = np.bincount(columns, values * parts[rows], minlength=len(numbers))
    return list(numbers), sums.astype(np.float64), float(_BIAS * parts.sum())


def _products(
    rows: NDArray[np.int64], columns: NDArray[np.int64], values: _Floats, height: int, width: int
) -> _Floats:
    """Products of all pairs of rows, block by block: the whole matrix is large and nearly empty."""
    products = np.zeros((height, height))
    for low in range(0, width, _BLOCK):
        inside = (columns >= low) & (columns < low + _BLOCK)
        block = np.zeros((height, _BLOCK))
        block[rows[inside], columns[inside] - low] = values[inside]
        products += block @ block.T
    return products
