"""Decides whether "orange" means the brand, with a model learnt from a few labelled texts.

The model is a logistic regression over the words around a match, their parts, its neighbours, its
spelling and the language. It learns in milliseconds from ``Brand.examples``, deterministically.
A handle and a name of several words ("Orange Business") start with odds for the brand, which
examples can overrule.
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
"""Words of context on either side of a match."""
_PART = 4
"""Letters of a word's parts: "tarifs" shares them with "tarif"."""
_NEAR = 2
_WEIGHTS = {
    "word": 1.0, "part": 0.4, "near": 0.7, "side": 0.7, "sign": 0.7, "case": 0.7, "place": 0.3,
    "language": 2.0,
}  # fmt: skip
"""Prior weights of the kinds of evidence. The language counts most: if it decides, five examples
show it; if not, it is the same in all."""
_SURE = 5.0
"""Prior log-odds (150 to 1) of a handle or a long name."""
_PENALTY = 0.01
"""Regularization; a higher value separates no better and moves every answer to 0.5."""
_BIAS = 0.3
_BALANCE = 10.0
"""Maximum extra weight of an example of the rarer kind, which balances the kinds."""
_STEPS = 25
_BLOCK = 4096

_Evidence = dict[str, float]
_Floats = NDArray[np.float64]
Identify = Callable[[Sequence[str]], Sequence[str]]
"""Texts to their languages, ISO 639-1 or ``und``."""

_FOLDS = 10


def example_post(text: str) -> Post:
    """A post that has only a text, as examples have."""
    return Post(
        id="example:1",
        source="example",
        author=Author(id="1"),
        text=text,
        created_at=datetime(1970, 1, 1, tzinfo=UTC),
    )


class Disambiguator:
    """The model of one brand. Immutable; ``confidence`` is pure and thread-safe."""

    def __init__(self, weights: Mapping[str, float], bias: float, long_names: frozenset[str]):
        self._weights = weights
        self._bias = bias
        self._long_names = long_names

    def confidence(self, tokens: Tokens, match: Match, language: str | None = None) -> float:
        """The probability that the match means the brand, to 4 digits.

        ``tokens``: those of the match's field; of the text, for ``mentions``.
        """
        evidence = _evidence(tokens, match, language)
        learnt = sum(self._weights.get(name, 0.0) * value for name, value in evidence.items())
        odds = learnt + self._bias + _prior(tokens, match, self._long_names)
        return round(1 / (1 + math.exp(-max(-40.0, min(40.0, odds)))), 4)


def is_taught(brand: Brand) -> bool:
    """Whether the brand has examples of both kinds."""
    return len({example.about for example in brand.examples}) > 1


def learn(brand: Brand, identify: Identify | None = None) -> Disambiguator | None:
    """The model of a brand, or None without examples of both kinds.

    Without ``identify`` the model ignores languages.
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


def cross_check(brand: Brand, identify: Identify | None = None) -> int:
    """How many examples a model judges right that learnt from nine tenths of the others.

    An estimate for posts like the examples; 0 without examples of both kinds.
    """
    matcher = BrandMatcher([brand])
    # Every tenth of each kind, so that each part has both.
    ordered = sorted(brand.examples, key=lambda example: example.about)
    right = 0
    for fold in range(_FOLDS):
        asked = ordered[fold::_FOLDS]
        taught = [example for at, example in enumerate(ordered) if at % _FOLDS != fold]
        model = learn(replace(brand, examples=taught), identify) if asked else None
        if model is None:
            continue
        texts = [example.text for example in asked]
        languages: Sequence[str | None] = identify(texts) if identify else [None] * len(texts)
        for example, language in zip(asked, languages, strict=True):
            match = _first_match(matcher, example.text)
            tokens = tokenize(example.text)
            sure = 0.0 if match is None else model.confidence(tokens, match, language)
            right += (sure >= brand.minimum_confidence) is example.about
    return right


def _first_match(matcher: BrandMatcher, text: str) -> Match | None:
    """The first match in an example, or None if it leaves out the name."""
    brands = matcher.match(example_post(text))
    return next((match for brand in brands for match in brand.matches), None)


def _long_names(brand: Brand) -> frozenset[str]:
    """Names of several words, joined as in a hashtag."""
    names = [tokenize(name).folded for name in brand.names or [brand.name]]
    return frozenset("".join(words) for words in names if len(words) > 1)


def _prior(tokens: Tokens, match: Match | None, long_names: frozenset[str]) -> float:
    if match is None:
        return 0.0
    span = _token_span(tokens, match)
    if span is None or tokens.folded[span[0]][0] == "@":
        return _SURE
    words = "".join(tokens.folded[span[0] : span[1]]).lstrip("#")
    return _SURE if words in long_names else 0.0


def _token_span(tokens: Tokens, match: Match) -> tuple[int, int] | None:
    """Tokens of the match, end excluded; None if only the platform's ``mentions`` has it."""
    if match.start is None or match.end is None:
        return None
    first = bisect_left(tokens.starts, match.start)
    last = bisect_right(tokens.starts, match.end - 1)
    return (first, last) if first < last else None


def _evidence(tokens: Tokens, match: Match | None, language: str | None) -> _Evidence:
    """The features of a match, as a vector of length 1."""
    span = None if match is None else _token_span(tokens, match)
    names = dict.fromkeys(_names(tokens, span, match is not None))
    if language is not None and language != UNKNOWN:
        names["language " + language] = None
    values = {name: _WEIGHTS[name.partition(" ")[0]] for name in names}
    length = math.sqrt(sum(value * value for value in values.values())) or 1.0
    return {name: value / length for name, value in values.items()}


def _names(tokens: Tokens, span: tuple[int, int] | None, matched: bool) -> Iterator[str]:
    start, end = span or (0, 0)
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
    if span is None:
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
    """``@`` for a handle, ``://`` for a link, the word of a hashtag."""
    if word[0] == "@":
        return "@"
    if is_link(word):
        return "://"
    return word.lstrip("#") or word


def _fit(
    evidence: Sequence[_Evidence], priors: _Floats, about: _Floats
) -> tuple[list[str], _Floats, float]:
    """Names, weights and bias, by Newton's method with one unknown an example."""
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
    """Products of all pairs of rows, block by block, since the whole matrix is large and sparse."""
    products = np.zeros((height, height))
    for low in range(0, width, _BLOCK):
        inside = (columns >= low) & (columns < low + _BLOCK)
        block = np.zeros((height, _BLOCK))
        block[rows[inside], columns[inside] - low] = values[inside]
        products += block @ block.T
    return products
