"""The tree of an X rule: operators combined with AND, OR and NOT.

Source: docs.x.com/x-api/posts/filtered-stream/integrate/build-a-rule and .../integrate/operators.
AND is a space and binds before OR; NOT is a dash before one operator, never before a group; every
alternative needs an operator that X allows alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import ClassVar, TypeAlias


class Direction(Enum):
    """The bound that a rule is of its clause; inside NOT it is the opposite one."""

    SUPERSET = "all that the clause matches"
    SUBSET = "nothing that the clause does not match"

    @property
    def opposite(self) -> "Direction":
        return Direction.SUBSET if self is Direction.SUPERSET else Direction.SUPERSET


@dataclass(frozen=True)
class Op:
    """One operator in X's syntax. ``alone``: X allows it as the only one ("standalone")."""

    text: str
    alone: bool = True
    negated: bool = False


@dataclass(frozen=True)
class _Several:
    parts: "tuple[RuleTree, ...]"
    joiner: ClassVar[str]

    @cached_property
    def size(self) -> int:
        sizes = [size(part) + 2 * isinstance(part, All | AnyOf) for part in self.parts]
        return sum(sizes) + len(self.joiner) * (len(sizes) - 1)


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
    """The AND of the parts, without redundant ones."""
    return _combine(parts, All, AnyOf, EVERY_POST)


def any_of(parts: Iterable[RuleTree]) -> RuleTree:
    """The OR of the parts, without redundant ones."""
    return _combine(parts, AnyOf, All, NO_POST)


def _combine(
    parts: Iterable[RuleTree], kind: type[All | AnyOf], other: type[All | AnyOf], neutral: Constant
) -> RuleTree:
    """``neutral`` is the identity of ``kind``; its negation decides the result."""
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
    """The NOT of a formula, moved to its operators (De Morgan)."""
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
    """Whether every alternative has an operator that X allows alone."""
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
    """The rule as text, with negated operators last, for readers."""
    match formula:
        case Op(text, _, negated):
            return f"-{text}" if negated else text
        case All(parts):
            dashes_last = sorted(parts, key=lambda part: isinstance(part, Op) and part.negated)
            return formula.joiner.join(map(_inner, dashes_last))
        case AnyOf(parts):
            return formula.joiner.join(map(_inner, parts))
        case Constant():
            raise ValueError("X has no rule for all posts or for none")


def size(formula: RuleTree) -> int:
    """The length of the rule in UTF-16 units: an upper bound of X's count."""
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


def _contradict(parts: Iterable[RuleTree]) -> bool:
    """Whether an operator occurs both with and without its dash."""
    ops = {part for part in parts if isinstance(part, Op)}
    return any(op.negated and negation(op) in ops for op in ops)
