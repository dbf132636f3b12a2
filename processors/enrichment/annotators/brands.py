"""Annotates the brands that a post is about."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from brands.disambiguation import UNKNOWN, Disambiguator, Identify, is_taught, learn
from processors.enrichment.annotators.base import Annotator
from processors.enrichment.spoken_languages import ShareOf, may_be_in
from queries.matching.document import searched
from runtime.settings import ProcessSettings
from schemas.brand import Brand
from schemas.mention import BrandMatch, Mention
from text.codes import language_code
from text.tokens import TOKENIZER_VERSION, Tokens, tokenize

if TYPE_CHECKING:
    from processors.models.language_model import LanguageIdentifier

MAX_JUDGED = 10
"""Matches of a brand in a post that are judged one by one; the others follow the best of these."""


class BrandAnnotator(Annotator):
    """Matches the brands' queries; reads ``matcher`` once a batch, so changes apply at once.

    A brand with examples is learnt at its first match, and again when it changes.
    ``identify`` gives the languages of examples and of posts without a language, ``share`` the
    probability that a post is in given ones; by default the language model, loaded on first use.
    """

    name = "brands"
    heavy = False
    version = f"queries-3 tokens-{TOKENIZER_VERSION}"

    def __init__(
        self,
        matcher: Callable[[], BrandMatcher],
        identify: Identify | None = None,
        share: ShareOf | None = None,
    ) -> None:
        self._matcher = matcher
        self._identify = identify or language_codes
        self._share = share or language_share
        self._current: BrandMatcher | None = None
        self._languages: dict[str, frozenset[str]] = {}
        self._taught: dict[str, Brand] = {}
        self._learnt: dict[str, tuple[Brand, Disambiguator]] = {}

    @classmethod
    def from_settings(cls, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Self:
        return cls(matcher)

    def likely(self, batch: Sequence[Mention]) -> Sequence[Mention]:
        """The posts that may name a brand: of a wide stream one in ten."""
        return self._matcher().likely(batch)

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Drops brands in other languages and matches below the brand's minimum confidence."""
        matcher = self._matcher()
        if matcher is not self._current:
            self._update(matcher)
        for mention, matches in zip(batch, matcher.match_batch(batch), strict=True):
            if matches and self._languages:
                matches = [match for match in matches if self._speaks(match, mention)]
            if matches and self._taught:
                matches = self._judge(matches, mention)
            mention.brands = matches

    def _update(self, matcher: BrandMatcher) -> None:
        brands = matcher.brands
        self._languages = {
            brand.id: frozenset(language_code(code) or code for code in brand.languages)
            for brand in brands
            if brand.languages
        }
        self._taught = {brand.id: brand for brand in brands if is_taught(brand)}
        # Unchanged brands keep what they have learnt.
        self._learnt = {
            name: (brand, learnt)
            for name, (brand, learnt) in self._learnt.items()
            if self._taught.get(name) == brand
        }
        self._current = matcher

    def _speaks(self, match: BrandMatch, mention: Mention) -> bool:
        """What may be in a wanted language is kept: missing a mention is the worse mistake."""
        wanted, known = self._languages.get(match.id), mention.language
        if wanted is None or known is None or known.code == UNKNOWN or known.code in wanted:
            return True
        post = mention.post
        return may_be_in(wanted, post.text, match.matches, post.language, self._share)

    def _judge(self, matches: list[BrandMatch], mention: Mention) -> list[BrandMatch]:
        judged: list[BrandMatch] = []
        fields: dict[str, Tokens] = {}
        language: str | None = None
        for match in matches:
            brand = self._taught.get(match.id)
            if brand is None:
                judged.append(match)
                continue
            if not fields:
                text = searched(mention.post.text)
                fields = {"text": tokenize(text)}
                if mention.post.title:
                    fields["title"] = tokenize(mention.post.title)
                known = mention.language
                language = known.code if known else self._identify([text])[0]
            disambiguator = self._disambiguator(brand)
            confidences = [
                disambiguator.confidence(fields.get(part.field, fields["text"]), part, language)
                for part in match.matches[:MAX_JUDGED]
            ]
            judged += _probable(match, confidences, brand.minimum_confidence)
        return judged

    def _disambiguator(self, brand: Brand) -> Disambiguator:
        if brand.id not in self._learnt:
            learnt = learn(brand, self._identify)
            assert learnt is not None
            self._learnt[brand.id] = (brand, learnt)
        return self._learnt[brand.id][1]


@cache
def _model() -> "LanguageIdentifier":
    from processors.models.language_model import LanguageIdentifier

    return LanguageIdentifier()


def language_codes(texts: Sequence[str]) -> list[str]:
    """The languages of texts by the language model, which is loaded on first use."""
    return [code for code, _ in _model().identify(texts)]


def language_share(text: str, wanted: Collection[str], hint: str | None) -> float:
    """The probability that a text is in one of the languages, by the language model."""
    return _model().share_of(text, wanted, hint)


def _probable(
    match: BrandMatch, confidences: Sequence[float], minimum: float
) -> Iterator[BrandMatch]:
    """The brand with its probable matches, if any; its confidence is that of the best."""
    judged = zip(match.matches, confidences, strict=False)
    if probable := [part for part, confidence in judged if confidence >= minimum]:
        probable += match.matches[MAX_JUDGED:]
        yield replace(match, matches=probable, confidence=max(confidences))
