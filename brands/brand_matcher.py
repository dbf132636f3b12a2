"""Matches posts with the queries of many brands at once (``brands.brand_query``).

A phrase in ``exclude`` removes the places within it; a brand without another place does not match.
A match keeps the first ``MAX_HITS`` places in a field, so a mention stays small.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice

from brands.brand_query import phrase_of, query_of
from queries.language.ast import Field, Node, Not, Or, Value
from queries.language.fields import normal
from queries.language.spellings import with_spellings
from queries.language.tree import children
from queries.matching.document import MatchedSpan
from queries.matching.predicates import Asked, Question, compile_query
from queries.matching.query_matcher import QueryMatch, QueryMatcher
from schemas.brand import Brand
from schemas.mention import BrandMatch, Match, Mention
from schemas.post import Post

MAX_HITS = 100
"""Matches kept of one brand in one field."""


class BrandMatcher:
    """Immutable, pure and thread-safe. Raises ``QueryError`` for a brand's invalid query."""

    def __init__(self, brands: Iterable[Brand]) -> None:
        self.brands = tuple(sorted(brands, key=lambda brand: brand.id))
        queries = {brand.id: query_of(brand) for brand in self.brands}
        self._matcher = QueryMatcher(queries)
        self._handles = {name: frozenset(_handles(node)) for name, node in queries.items()}
        self._excluded = {
            brand.id: question for brand in self.brands if (question := _exclusions(brand))
        }

    def __len__(self) -> int:
        return len(self.brands)

    def match(self, post: Post) -> list[BrandMatch]:
        """The brands of one post whose language is not known."""
        return self.match_batch([Mention(post=post)])[0]

    def likely(self, batch: Sequence[Mention]) -> list[Mention]:
        """The posts that may name a brand, whatever their language turns out to be."""
        return [mention for mention in batch if not self._matcher.rules_out(mention)]

    def match_batch(self, batch: Sequence[Mention]) -> list[list[BrandMatch]]:
        """The brands of each post, by brand id. ``Brand.languages`` is ignored."""
        return [
            [brand for match in matches if (brand := self._brand_match(match)) is not None]
            for matches in self._matcher.match(batch)
        ]

    def _brand_match(self, match: QueryMatch) -> BrandMatch | None:
        spans = match.spans()
        excluded = self._excluded.get(match.name)
        if excluded is not None and spans:
            spans = _outside(spans, excluded, match.asked)
            if not spans:
                return None
        post = match.asked.document.mention.post
        matches = _matches(spans, post) or self._addressed(match.name, post)
        return BrandMatch(id=match.name, matches=matches)

    def _addressed(self, name: str, post: Post) -> list[Match]:
        """The first of the brand's handles in the platform's list of mentions."""
        handles = (handle for handle in post.mentions if normal(handle) in self._handles[name])
        return [Match(text=handle, field="mentions") for handle in islice(handles, 1)]


def _handles(node: Node) -> Iterable[str]:
    """The normal form of the handles that a query looks for in ``mentions``."""
    match node:
        case Field("mentions", Value(text, False)):
            yield normal(text)
        case Field("mentions", Or(parts)):
            yield from (normal(part.text) for part in parts if isinstance(part, Value))
        case Not():
            return
    for child in children(node):
        yield from _handles(child)


def _exclusions(brand: Brand) -> Question | None:
    phrases = [node for phrase in brand.exclude if (node := phrase_of(phrase)) is not None]
    if not phrases:
        return None
    return compile_query(with_spellings(phrases[0] if len(phrases) == 1 else Or(tuple(phrases))))


def _outside(
    spans: frozenset[MatchedSpan], excluded: Question, asked: Asked
) -> frozenset[MatchedSpan]:
    """The spans that are not within an excluded phrase."""
    taken: dict[str, tuple[list[int], list[int]]] = {}
    for phrase in sorted(excluded.spans(asked)):
        starts, ends = taken.setdefault(phrase.field, ([], []))
        starts.append(phrase.start)
        # The end of the longest phrase that starts here or before.
        ends.append(max(phrase.end, ends[-1] if ends else 0))

    def is_within(span: MatchedSpan) -> bool:
        starts, ends = taken.get(span.field, ((), ()))
        before = bisect_right(starts, span.start)
        return before > 0 and span.end <= ends[before - 1]

    return frozenset(span for span in spans if not is_within(span))


def _matches(spans: frozenset[MatchedSpan], post: Post) -> list[Match]:
    """The spans in order, those of the text before those of the title."""
    texts = {"text": post.text, "title": post.title or "", "authorName": post.author.name or ""}
    return [
        Match(text=text[span.start : span.end], field=field, start=span.start, end=span.end)
        for field, text in texts.items()
        for span in sorted(span for span in spans if span.field == field)[:MAX_HITS]
    ]
