"""What a rule of X can say: operators, and AND, OR and NOT of them, written as X writes them.

X's documentation is docs.x.com/x-api/posts/filtered-stream/integrate/build-a-rule and
.../integrate/operators. AND is a space and binds before OR; a NOT is a dash before one operator,
never before a group; every way to match has to hold one operator that X lets stand alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import ClassVar, TypeAlias


class Direction(Enum):
    """On which side of a clause its rule may err; behind a NOT it is the other one."""

    SUPERSET = "all that the clause matches"
    SUBSET = "nothing that the clause does not match"

    @property
    def opposite(self) -> "Direction":
        return Direction.SUBSET if self is Direction.SUPERSET else Direction.SUPERSET


@dataclass(frozen=True)
class Op:
    """One operator, in the letters that X reads.

    ``alone``: X lets it be the only one of a rule ("standalone"). ``negated``: what it does not
    match, a dash before it.
    """

    text: str
    alone: bool = True
    negated: bool = False


@dataclass(frozen=True)
class _Several:
    parts: "tuple[RuleTree, ...]"
    joiner: ClassVar[str]

    @cached_property
    def size(self) -> int:
        return sum(_inner_size(part) + len(self.joiner) for part in self.parts) - len(self.joiner)


class All(_Several):
    """All of two or more; made by ``all_of``."""

    joiner = " "


class AnyOf(_Several):
    """At least one of two or more; made by ``any_of``."""

    joiner = " OR "


@dataclass(frozen=True)
class Constant:
    """Every post, or none."""

    holds: bool


RuleTree: TypeAlias = Op | All | AnyOf | Constant
EVERY_POST = Constant(True)
NO_POST = Constant(False)


def all_of(parts: Iterable[RuleTree]) -> RuleTree:
    """What all parts match, without what says nothing more."""
    return _combine(parts, All, AnyOf, EVERY_POST)


def any_of(parts: Iterable[RuleTree]) -> RuleTree:
    """What one part at least matches, without what another part matches anyway."""
    return _combine(parts, AnyOf, All, NO_POST)


def _combine(
    parts: Iterable[RuleTree],
    kind: type[All | AnyOf],
    other: type[All | AnyOf],
    neutral: Constant,
) -> RuleTree:
    """``neutral`` changes nothing beside another part, and its negation decides alone."""
    kept: dict[RuleTree, None] = {}
    for part in parts:
        kept.update(dict.fromkeys(part.parts if isinstance(part, kind) else (part,)))
    if (decisive := negation(neutral)) in kept or _contradict(kept):
        return decisive
    kept.pop(neutral, None)
    needed = tuple(
        part
        for part in kept
        if not (isinstance(part, other) and any(inner in kept for inner in part.parts))
    )
    if not needed:
        return neutral
    return needed[0] if len(needed) == 1 else kind(needed)


def negation(formula: RuleTree) -> RuleTree:
    """What it does not match; a dash stands before operators only (De Morgan)."""
    match formula:
        case Op(text, alone, negated):
            return Op(text, alone, not negated)
        case All(parts):
            return any_of(map(negation, parts))
        case AnyOf(parts):
            return all_of(map(negation, parts))
        case Constant(holds):
            return Constant(not holds)


def anchored(formula: RuleTree) -> bool:
    """Whether every way to match it holds an operator that may stand alone."""
    match formula:
        case Op(_, alone, negated):
            return alone and not negated
        case All(parts):
            return any(anchored(part) for part in parts)
        case AnyOf(parts):
            return all(anchored(part) for part in parts)
        case Constant(holds):
            return not holds


def written(formula: RuleTree) -> str:
    """The rule. Dashes come last, for people to read."""
    match formula:
        case Op(text, _, negated):
            return f"-{text}" if negated else text
        case All(parts):
            return formula.joiner.join(map(_inner, sorted(parts, key=_is_negated)))
        case AnyOf(parts):
            return formula.joiner.join(map(_inner, parts))
        case Constant():
            raise ValueError("X has no rule for every post, nor for none")


def size(formula: RuleTree) -> int:
    """The length of the rule, in UTF-16 units: never less than X counts, however it counts."""
    match formula:
        case All() | AnyOf():
            return formula.size
        case Op(text, _, negated):
            return len(text.encode("utf-16-le", "surrogatepass")) // 2 + negated
        case Constant():
            return 0


def operators(formula: RuleTree) -> Iterable[Op]:
    match formula:
        case Op():
            yield formula
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from operators(part)


def _inner(part: RuleTree) -> str:
    return f"({written(part)})" if isinstance(part, All | AnyOf) else written(part)


def _inner_size(part: RuleTree) -> int:
    return size(part) + 2 * isinstance(part, All | AnyOf)


def _is_negated(part: RuleTree) -> bool:
    return isinstance(part, Op) and part.negated


def _contradict(parts: Iterable[RuleTree]) -> bool:
    """Whether an operator stands there with and without its dash."""
    found = {part for part in parts if isinstance(part, Op)}
    return any(part.negated and negation(part) in found for part in found)
