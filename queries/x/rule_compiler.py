"""Compiles a query to rules of X's filtered stream that match a superset of its posts.

X bills what its rules match; the live matcher then drops the extra posts. Each clause compiles to
a superset or a subset of its posts. NOT flips the direction, so a NOT survives only if X can
express a subset. A word has no subset: X also finds it in the quoted post.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from queries.language.ast import And, Field, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.errors import QueryError
from queries.language.fields import FIELDS, TAG, Holds
from queries.language.spellings import with_spellings
from queries.language.tree import walk
from queries.x.loss import LossReport, Note
from queries.x.operators import Expansions, listed
from queries.x.rule import (
    EVERY_POST,
    NO_POST,
    Direction,
    Op,
    RuleTree,
    all_of,
    anchored,
    any_of,
    negation,
    written,
)
from queries.x.rule_fields import ABSENT, followers, value_rule, values_of, widening
from queries.x.rule_terms import TermCompiler
from queries.x.splitting import Fitting, lifted

MAX_LENGTH = 512
"""Characters of a rule that every plan allows; X's pay-per-use allowed 1,024 in 2026."""


@dataclass(frozen=True, slots=True)
class XRules:
    """The rules of one query. No rules: no post of X can match it."""

    rules: tuple[str, ...]
    widened: tuple[Note, ...]
    """Clauses with extra posts, which X bills and the matcher drops."""
    lost: tuple[Note, ...]
    """Posts that the query matches and X may not send."""
    asked: tuple[RuleTree, ...] = field(repr=False)
    """The rules as trees."""


def compile_rules(
    node: Node,
    *,
    max_length: int = MAX_LENGTH,
    max_rules: int | None = None,
    expansions: Mapping[str, Sequence[str]] | None = None,
    languages: Collection[str] = (),
    proximity: bool = False,
) -> XRules:
    """The rules that together match every post of ``node``, except those in ``lost``.

    ``expansions``: the words that a term of the query means, such as those of ``abonn*`` or the
    spellings of ``ete`` with accents. ``languages``: ``lang:`` codes, of which X must find one.
    ``proximity``: let X measure distances, although it counts a link as several words. Raises
    ``QueryError`` for a query without a rule, or with more than ``max_rules``.
    """
    node = with_spellings(node)
    report = LossReport()
    compiler = _Compiler(expansions or {}, proximity, report)
    formula = lifted(compiler.compile(node, None, Direction.SUPERSET), report)
    if not anchored(formula):
        raise _refusal(node, report)
    if languages and formula != NO_POST:
        spoken = any_of([Op(f"lang:{code}", alone=False) for code in languages])
        formula = all_of([formula, spoken])
        how, why = "posts that X takes for another language", "X detects languages in its own way"
        report.lose(" ".join(languages), how, why)
    fitting = Fitting(max_length, report)
    asked = tuple(rule for rule in dict.fromkeys(fitting.fit(formula)) if rule != NO_POST)
    if max_rules is not None and len(asked) > max_rules:
        message = f"this needs {len(asked)} X rules, and only {max_rules} are allowed"
        hint = "write fewer words, or allow longer rules if X's plan does"
        raise QueryError(message, *node.span, hint)
    return XRules(tuple(map(written, asked)), report.widened, report.lost, asked)


def _refusal(node: Node, report: LossReport) -> QueryError:
    message = "X has no rule for this: each alternative needs a word, hashtag or account"
    if not report.patterns:
        return QueryError(message, *node.span, "add a word that such a post contains, with AND")
    text, span = next(iter(report.patterns.items()))
    hint = f"X has no wildcards: list the words of '{text}' in expansions, or add a word with AND"
    return QueryError(message, *span, hint)


class _Compiler:
    def __init__(self, expansions: Expansions, proximity: bool, report: LossReport) -> None:
        self._expansions = expansions
        self._report = report
        self._words = TermCompiler(expansions, proximity, report)

    def compile(self, node: Node, where: str | None, direction: Direction) -> RuleTree:
        """The rule for a node; ``where``: the text field of its terms; None: the text."""
        match node:
            case And(parts):
                return all_of([self.compile(part, where, direction) for part in parts])
            case Or(parts):
                return any_of([self.compile(part, where, direction) for part in parts])
            case Not(child):
                excluded = self.compile(child, where, direction.opposite)
                if direction is Direction.SUPERSET:
                    self._note_exclusion(node, excluded)
                return negation(excluded)
            case Field(name, child) if FIELDS[name].holds is Holds.TEXT:
                return self.compile(child, None if name == "text" else name, direction)
            case Field(name, child) if direction is Direction.SUBSET:
                # Expansions may be incomplete.
                return value_rule(name, child, {}, direction)
            case _ if direction is Direction.SUBSET:
                # X also searches the quoted post.
                return NO_POST
            case Term() | Phrase() | Near():
                return self._words.compile(node, where)
            case Field():
                return self._field(node)
            case Range():
                return self._range(node)
            case _:
                raise TypeError(f"{type(node).__name__} needs a field or a resolved query")

    def _note_exclusion(self, node: Not, excluded: RuleTree) -> None:
        gone = excluded == NO_POST
        has_words = any(isinstance(part, Term | Phrase) for part in walk(node))
        if not _never_on_x(node.child) if gone else has_words:
            how = "left out" if gone else "left out in part"
            why = "it would lose posts that the query keeps, such as those that quote the word"
            self._report.wider(node, how, why)

    def _field(self, node: Field) -> RuleTree:
        name, child = node.name, node.child
        rule = value_rule(name, child, self._expansions, Direction.SUPERSET)
        if why := widening(name, child, self._expansions):
            self._report.wider(node, "left out" if rule == EVERY_POST else "more widely", why)
        if name == TAG:
            why = "X compares whole hashtags: add those that are used to the query"
            self._report.lose(node, "hashtags with other words in them", why)
            return rule
        for value in values_of(child):
            if value.wildcard and name not in ("source", "site"):
                self._pattern(node, value)
            elif name == "hashtags":
                self._report.folded(value.text, self._expansions)
        return rule

    def _pattern(self, node: Field, value: Value) -> None:
        if listed(value.text, self._expansions):
            self._report.lose(node, "values that are not in expansions", "X has no wildcards")
        else:
            self._report.patterns.setdefault(value.text, value.span)

    def _range(self, node: Range) -> RuleTree:
        rule, why = followers(node)
        if why:
            self._report.wider(node, "left out" if rule == EVERY_POST else "a little wider", why)
        return rule


def _never_on_x(node: Node) -> bool:
    """Whether no post of X can match the node, so a NOT of it has no effect."""
    match node:
        case Field("title", _):
            return True
        case Field(name, child) if name in ("source", "site", "thread", *ABSENT):
            return value_rule(name, child, {}, Direction.SUPERSET) == NO_POST
        case Range(name):
            return name in ABSENT
        case _:
            return False
