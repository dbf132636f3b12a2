"""A query as rules of X's filtered stream, which send every post that the query matches, and more.

X delivers and bills what its rules match; the live matcher then keeps what the query means. So a
rule may be wider than the query and never narrower::

    compiled = compile_rules(parse("velmora NEAR/5 panne"), max_length=1024)
    compiled.rules     ("velmora panne",)
    compiled.widened   what X cannot be asked so exactly, and what it is asked instead
    compiled.lost      what X may not send although the query matches it

Every clause is compiled in one of two directions, to a superset of its posts or to a subset. Behind
a NOT the direction turns, so a NOT is kept only where X can be asked for a subset. A word has none:
X finds it in the quoted post as well.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from queries.language.ast import (
    And,
    Field,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Range,
    Term,
    Value,
    walk,
)
from queries.language.errors import QueryError
from queries.language.fields import FIELDS, Holds
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
from queries.x.rule_fields import followers, value_rule, values_of, widening
from queries.x.rule_terms import TermCompiler
from queries.x.splitting import Fitting, lifted

MAX_LENGTH = 512
"""Characters of a rule that every plan has allowed; X's pay-per-use allowed 1,024 in 2026."""


@dataclass(frozen=True, slots=True)
class XRules:
    """The rules of one query, and what they do not do. No rules: no post of X can match it."""

    rules: tuple[str, ...]
    widened: tuple[Note, ...]
    """Clauses that X is asked less exactly for: posts that are billed and then left out."""
    lost: tuple[Note, ...]
    """Posts that the query matches and X may not send."""
    asked: tuple[RuleTree, ...] = field(repr=False)
    """The rules as trees, for ``queries.x.cost``."""


def compile_rules(
    node: Node,
    *,
    max_length: int = MAX_LENGTH,
    max_rules: int | None = None,
    expansions: Mapping[str, Sequence[str]] | None = None,
    languages: Collection[str] = (),
    proximity: bool = False,
) -> XRules:
    """The rules that together send all that ``node`` matches, but for what ``lost`` says.

    ``expansions``: for a term, as the query writes it, the words that it stands for: those that
    begin so (``abonn*``), or its spellings with accents (``ete``). ``languages``: codes of
    ``lang:``, one of which X has to have found. ``proximity``: let X measure distances, though it
    counts a link as several words. Raises ``QueryError`` for a query that X has no rule for, and
    for one that needs more than ``max_rules``.
    """
    report = LossReport()
    compiler = _Compiler(expansions or {}, proximity, report)
    formula = lifted(compiler.compile(node, None, Direction.SUPERSET), report)
    if not anchored(formula):
        raise _refusal(node, report)
    if languages and formula != NO_POST:
        spoken = any_of([Op(f"lang:{code}", alone=False) for code in languages])
        formula = all_of([formula, spoken])
        report.lose(" ".join(languages), "posts that X takes to be in another language",
                    "only X's own finding can be asked for")  # fmt: skip
    fitting = Fitting(max_length, report)
    asked = tuple(rule for rule in dict.fromkeys(fitting.fit(formula)) if rule != NO_POST)
    if max_rules is not None and len(asked) > max_rules:
        raise QueryError(
            f"this needs {len(asked)} rules of X, and there are {max_rules}",
            *node.span,
            "ask for fewer words, or for longer rules if X's plan allows them",
        )
    return XRules(tuple(map(written, asked)), report.widened, report.lost, asked)


def _refusal(node: Node, report: LossReport) -> QueryError:
    """Why X has no rule for the query."""
    said = "X cannot be asked for this: each way to match needs a word, hashtag or account"
    for text, span in report.patterns.items():
        return QueryError(
            said, *span,
            f"X has no wildcards: give the words that '{text}' stands for (expansions), or ask for "
            "a word beside it with AND",
        )  # fmt: skip
    return QueryError(said, *node.span, "add a word that such a post holds, with AND")


class _Compiler:
    def __init__(self, expansions: Expansions, proximity: bool, report: LossReport) -> None:
        self._expansions = expansions
        self._report = report
        self._words = TermCompiler(expansions, proximity, report)

    def compile(self, node: Node, where: str | None, direction: Direction) -> RuleTree:
        """The rule for a node; ``where``: the field of text of its terms; None: the text."""
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
                # Expansions need not list every value that is meant.
                return value_rule(name, child, {}, direction)
            case _ if direction is Direction.SUBSET:
                # X finds words, hashtags and mentions in the quoted post too.
                return NO_POST
            case Term() | Phrase() | Near():
                return self._words.compile(node, where)
            case Field():
                return self._field(node)
            case Range():
                return self._range(node)
            case _:
                raise TypeError(f"{type(node).__name__} has no meaning of its own")

    def _note_exclusion(self, node: Not, excluded: RuleTree) -> None:
        gone = excluded == NO_POST
        has_words = any(isinstance(part, Term | Phrase) for part in walk(node))
        if not _never_on_x(node.child) if gone else has_words:
            self._report.wider(
                node,
                "left out" if gone else "left out in part",
                "it would cost posts that the query keeps, such as those that quote the word",
            )

    def _field(self, node: Field) -> RuleTree:
        name, child = node.name, node.child
        rule = value_rule(name, child, self._expansions, Direction.SUPERSET)
        if why := widening(name, child, self._expansions):
            self._report.wider(node, "left out" if rule == EVERY_POST else "more widely", why)
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
        found, why = followers(node)
        self._report.wider(node, "left out" if found == EVERY_POST else "a little wider", why)
        return found


def _never_on_x(node: Node) -> bool:
    """Whether nothing on X is so, and a NOT of it says nothing."""
    match node:
        case Field("title", _):
            return True
        case Field("source" | "site" as name, child):
            return value_rule(name, child, {}, Direction.SUPERSET) == NO_POST
        case _:
            return False
