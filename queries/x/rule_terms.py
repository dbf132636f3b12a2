"""Compiles terms, phrases and NEAR to X operators that match a superset of their posts.

Distances are dropped by default: X counts words differently, a link as several.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from queries.language.ast import Field, Near, Node, Or, Phrase, Term
from queries.x import operators
from queries.x.loss import LossReport
from queries.x.operators import Expansions
from queries.x.rule import EVERY_POST, NO_POST, Op, RuleTree, all_of, any_of
from queries.x.rule_fields import address

MAX_PROXIMITY = 6
"""The largest N of X's ``"a b"~N``."""
_OPERATORS = {"hashtag": operators.hashtag, "handle": operators.handle, "ticker": operators.ticker}


class TermCompiler:
    """``where``: the text field; None: the text."""

    def __init__(self, expansions: Expansions, proximity: bool, report: LossReport) -> None:
        self._expansions = expansions
        self._proximity = proximity
        self._report = report

    def compile(self, node: Node, where: str | None) -> RuleTree:
        """A superset of the posts with the term, the phrase or the distance."""
        match node:
            case Term():
                return self._term(node, where)
            case Phrase():
                return self._phrase(node, where)
            case Near():
                return self._near(node, where)
            case Or(parts):
                return any_of([self.compile(part, where) for part in parts])
            case _:
                raise TypeError(f"{type(node).__name__} cannot be an operand of NEAR")

    def _term(self, term: Term, where: str | None) -> RuleTree:
        if where == "title":
            return NO_POST  # posts of X have none
        if term.wildcard and not operators.listed(term.text, self._expansions):
            self._report.pattern(term, term.text)
            return EVERY_POST
        if where == "url":
            return self._address((term,))
        if where == "authorName":
            return self._name((term,))
        if not operators.searchable(term.text):
            self._report.wider(term, "left out", "X does not search punctuation")
            return EVERY_POST
        spelt = self._spelt(term)
        if term.kind == "emoji":
            return operators.emoji(term)
        operator = _OPERATORS.get(term.kind)
        return any_of(map(operator, spelt)) if operator else operators.phrase([spelt])

    def _phrase(self, node: Phrase, where: str | None) -> RuleTree:
        """Runs of words as exact phrases, other terms anywhere."""
        terms = node.terms
        if where == "title":
            return NO_POST
        if any(term.kind == "sign" for term in terms):
            # X splits posts at signs: the words beside one are a phrase.
            self._report.wider(node, "without its signs", "X does not search punctuation")
            terms = tuple(term for term in terms if term.kind != "sign")
            if len(terms) == 1:
                return self._term(terms[0], where)
            node = Phrase(terms, node.slop, span=node.span)
        if node.slop is not None:
            self._report.wider(node, "all its words, anywhere", "X has no such distance")
            return all_of([self._term(term, where) for term in terms])
        if where == "url":
            return self._address(terms)
        if where == "authorName":
            return self._name(terms)
        if not all(map(self._is_word, terms)):
            why = "a phrase of X contains only words without wildcards"
            self._report.wider(node, "its words, anywhere", why)
        return all_of(self._runs(terms))

    def _near(self, node: Near, where: str | None) -> RuleTree:
        """Both operands anywhere; at distance 0, phrases."""
        left, right = _words_of(node.left), _words_of(node.right)
        if node.distance == 0 and left and right:
            orders = [left + right] if node.ordered else [left + right, right + left]
            return any_of([self._phrase(Phrase(order), where) for order in orders])
        if self._proximity and where is None and node.distance < MAX_PROXIMITY:
            measured = self._measured(node)
            if measured != NO_POST:
                return measured
        self._report.wider(node, "both, anywhere", "X counts words differently")
        return all_of([self.compile(side, where) for side in (node.left, node.right)])

    def _spelt(self, term: Term) -> list[str]:
        self._report.word(term, self._expansions)
        return operators.spellings(term, self._expansions)

    def _is_word(self, term: Term) -> bool:
        plain = not term.wildcard or bool(operators.listed(term.text, self._expansions))
        return plain and term.kind == "word" and operators.searchable(term.text)

    def _runs(self, terms: Sequence[Term]) -> Iterator[RuleTree]:
        alone = not any(map(self._is_word, terms))
        for are_words, run in groupby(terms, self._is_word):
            if are_words:
                yield operators.phrase([self._spelt(term) for term in run])
                continue
            for term in run:
                # Next to words, only what X certainly searches.
                if alone or term.kind != "emoji" or operators.is_sure_emoji(term.text):
                    yield self._term(term, None)

    def _measured(self, node: Near) -> RuleTree:
        """``"a b"~N`` in each order: in reverse order, N allows two words less."""
        sides = [_alternatives(side) for side in (node.left, node.right)]
        if not all(term and self._is_word(term) for side in sides for term in side):
            return NO_POST
        left, right = ([s for term in side if term for s in self._spelt(term)] for side in sides)
        pairs = [f"{first} {second}" for first in left for second in right]
        if not node.ordered:
            pairs += [f"{second} {first}" for first in left for second in right]
        why = "X counts a link or a name with dots as several words"
        self._report.lose(node, "posts with a link or such a name between", why)
        ops = map(operators.keyword, pairs)
        return any_of([Op(f"{op.text}~{node.distance + 1}") for op in ops if op])

    def _name(self, terms: Sequence[Term]) -> RuleTree:
        """Words of the author's display name, without signs."""
        words = [term for term in terms if self._is_word(term)]
        if len(words) < len(terms):
            clause = _in_field("authorName", terms)
            self._report.wider(clause, "only its words", "X searches only words in a name")
        spelt = [self._spelt(term) for term in words]
        if len(words) == len(terms):
            return operators.phrase(spelt, "bio_name:")
        return all_of(operators.phrase([word], "bio_name:") for word in spelt)

    def _address(self, terms: Sequence[Term]) -> RuleTree:
        clause = _in_field("url", terms)
        for term in terms:
            if term.wildcard and not operators.listed(term.text, self._expansions):
                self._report.pattern(term, term.text)
            else:
                self._report.word(term, self._expansions)
        self._report.lose(clause, "shortened links", "X compares the URL as it was sent")
        if len(terms) > 1:
            self._report.wider(clause, "its words, in any link", "X splits URLs in its own way")
        return address(terms, self._expansions)


def _in_field(name: str, terms: Sequence[Term]) -> Field:
    return Field(name, terms[0] if len(terms) == 1 else Phrase(tuple(terms)))


def _words_of(node: Node) -> tuple[Term, ...]:
    match node:
        case Term():
            return (node,)
        case Phrase(terms, None):
            return terms
        case _:
            return ()


def _alternatives(node: Node) -> list[Term | None]:
    """The alternative terms of an operand of NEAR; None: another kind of node."""
    match node:
        case Term():
            return [node]
        case Or(parts):
            return [term for part in parts for term in _alternatives(part)]
        case _:
            return [None]
