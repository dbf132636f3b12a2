"""The live matcher: finds the queries that each post of a batch matches, among thousands.

A prefilter selects the few candidates of a post; tokenization happens once, and only with a
candidate. Tests compare the result with ``tests.queries.reference``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from queries.language.ast import Node
from queries.language.spellings import with_spellings
from queries.matching.document import Document, MatchedSpan
from queries.matching.predicates import Asked, Question, compile_query
from queries.matching.prefilter import Prefilter
from schemas.mention import Mention


@dataclass(frozen=True, slots=True)
class QueryMatch:
    name: str
    question: Question
    asked: Asked

    def spans(self) -> frozenset[MatchedSpan]:
        """The spans of the query's words; a query of values alone has none."""
        return self.question.spans(self.asked)


class QueryMatcher:
    """Immutable and thread-safe. ``queries``: resolved queries by name."""

    def __init__(self, queries: Mapping[str, Node]) -> None:
        self.names = tuple(sorted(queries))
        nodes = [with_spellings(queries[name]) for name in self.names]
        self._questions = [compile_query(node) for node in nodes]
        self._prefilter = Prefilter(nodes)

    def __len__(self) -> int:
        return len(self.names)

    def match(self, batch: Sequence[Mention]) -> list[list[QueryMatch]]:
        """For each post, the queries that it matches, sorted by name."""
        return [list(self._match(Document(mention))) for mention in batch]

    def rules_out(self, mention: Mention) -> bool:
        """Whether no query can match the post, whatever its language turns out to be."""
        return self._prefilter.rules_out(Document(mention))

    def candidates(self, mention: Mention) -> list[str]:
        """The queries that pass the prefilter for a post: all that match, and few others."""
        return [self.names[n] for n in sorted(set(self._prefilter.candidates(Document(mention))))]

    def _match(self, document: Document) -> Iterator[QueryMatch]:
        asked, questions = Asked(document), self._questions
        for number in sorted(set(self._prefilter.candidates(document))):
            question = questions[number]
            if question.matches(asked):
                yield QueryMatch(self.names[number], question, asked)
