"""The live matcher: which of thousands of queries each post of a batch matches, and where.

A prefilter names the few queries that a post could match; only those are asked, of tokens that are
cut once and only then. Its answer is that of ``tests.queries.reference``, which the tests hold
it to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from queries.language.ast import Node
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
        """Where the query's words stand in the post; a query of values alone stands nowhere."""
        return self.question.spans(self.asked)


class QueryMatcher:
    """Immutable: a change of queries makes a new one. Pure and thread-safe.

    ``queries``: by name, with no names of other queries in them
    (``queries.language.saved.resolve``).
    """

    def __init__(self, queries: Mapping[str, Node]) -> None:
        self.names = tuple(sorted(queries))
        nodes = [queries[name] for name in self.names]
        self._questions = [compile_query(node) for node in nodes]
        self._prefilter = Prefilter(nodes)

    def __len__(self) -> int:
        return len(self.names)

    def match(self, batch: Sequence[Mention]) -> list[list[QueryMatch]]:
        """For each post, the queries that it matches, in the order of their names."""
        return [list(self._match(Document(mention))) for mention in batch]

    def candidates(self, mention: Mention) -> list[str]:
        """The queries that are asked of a post: those that match it, and few more."""
        return [self.names[n] for n in sorted(set(self._prefilter.candidates(Document(mention))))]

    def _match(self, document: Document) -> Iterator[QueryMatch]:
        candidates = self._prefilter.candidates(document)
        if not candidates:
            return
        asked, questions = Asked(document), self._questions
        for number in sorted(set(candidates)):
            question = questions[number]
            if question.matches(asked):
                yield QueryMatch(self.names[number], question, asked)
