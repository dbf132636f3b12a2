"""Splits a formula into valid X rules: no negation alone, no rule longer than the limit.

A long OR becomes several rules. A long AND is split at its longest OR, and drops parts that leave
too little room for it, which only widens the rule.
"""

from collections.abc import Sequence

from queries.x.loss import LossReport
from queries.x.operators import shortened
from queries.x.rule import (
    EVERY_POST,
    All,
    AnyOf,
    Constant,
    Op,
    RuleTree,
    all_of,
    anchored,
    any_of,
    operators,
    size,
    written,
)

MAX_WAYS = 64
"""Alternatives that one negation may be written out to."""


def lifted(formula: RuleTree, report: LossReport) -> RuleTree:
    """Distributes ANDs over ORs with a bare negation: ``a (-b OR c)`` -> ``(a -b) OR (a c)``.

    X refuses ``apple OR -ipad``.
    """
    match formula:
        case AnyOf(parts):
            return any_of([lifted(part, report) for part in parts])
        case All(parts):
            return _multiplied(all_of([lifted(part, report) for part in parts]), report)
        case _:
            return formula


def _multiplied(formula: RuleTree, report: LossReport) -> RuleTree:
    if not isinstance(formula, All):
        return formula
    plain = [part for part in formula.parts if not _hangs(part)]
    ways: list[list[RuleTree]] = [plain]
    for part in formula.parts:
        if not (_hangs(part) and isinstance(part, AnyOf)):
            continue
        if len(ways) * len(part.parts) > MAX_WAYS:
            report.wider(written(part), "left out", "it would make too many rules")
            continue
        ways = [[*way, inner] for way in ways for inner in part.parts]
    return any_of([all_of(way) for way in ways])


def _hangs(part: RuleTree) -> bool:
    """Whether it is an OR with an alternative that X refuses for its negation."""
    return isinstance(part, AnyOf) and any(
        not anchored(way) and any(op.negated for op in operators(way)) for way in part.parts
    )


class Fitting:
    """Splits formulas into rules of at most ``max_length``; reports what changes."""

    def __init__(self, max_length: int, report: LossReport) -> None:
        self._max = max_length
        self._report = report

    def fit(self, formula: RuleTree) -> list[RuleTree]:
        """Rules that together match at least what the formula matches."""
        if size(formula) <= self._max:
            return [] if isinstance(formula, Constant) else [formula]
        match formula:
            case AnyOf(parts):
                return self._packed([rule for part in parts for rule in self.fit(part)])
            case All(parts):
                return self._divided(list(parts))
            case Op():
                return self._cut(formula)
            case Constant():
                return []

    def _packed(self, rules: Sequence[RuleTree]) -> list[RuleTree]:
        packs: list[list[RuleTree]] = []
        room = 0
        for rule in rules:
            needed = size(rule) + (2 if isinstance(rule, All) else 0) + 4
            if packs and needed <= room:
                packs[-1].append(rule)
                room -= needed
            else:
                packs.append([rule])
                # Parentheses are needed only from the second rule on.
                room = self._max - needed + 4
        return [any_of(pack) for pack in packs]

    def _divided(self, parts: list[RuleTree]) -> list[RuleTree]:
        """Splits a long AND: one rule per piece of its longest OR, with all other parts."""
        wide = max((p for p in parts if isinstance(p, AnyOf)), key=size, default=None)
        rest = [part for part in parts if part is not wide]
        limit = self._max if wide is None else self._max // 2
        while size(all_of(rest)) > limit and self._drop_one(rest, wide):
            pass
        if wide is None:
            whole = all_of(rest)
            return self._only(whole) if size(whole) > self._max else [whole]
        kept = [part for part in parts if part is wide or part in rest]
        return [all_of(kept)] if size(all_of(kept)) <= self._max else self._spread(kept, wide)

    def _spread(self, parts: list[RuleTree], wide: AnyOf) -> list[RuleTree]:
        def with_ways(ways: list[RuleTree]) -> RuleTree:
            return all_of([any_of(ways) if part is wide else part for part in parts])

        rules: list[RuleTree] = []
        piece: list[RuleTree] = []
        for part in wide.parts:
            if size(with_ways([*piece, part])) <= self._max:
                piece.append(part)
                continue
            rules += [with_ways(piece)] if piece else []
            piece = []
            if size(with_ways([part])) <= self._max:
                piece = [part]
            else:
                rules += self.fit(with_ways([part]))
        return [*rules, with_ways(piece)] if piece else rules

    def _drop_one(self, rest: list[RuleTree], wide: RuleTree | None) -> bool:
        """Drop the longest part that X does not need as an anchor."""
        for part in sorted(rest, key=size, reverse=True):
            others = [other for other in rest if other is not part]
            if anchored(all_of([*others, wide or EVERY_POST])) and (others or wide):
                self._leave_out(part)
                rest[:] = others
                return True
        return False

    def _only(self, formula: RuleTree) -> list[RuleTree]:
        parts = formula.parts if isinstance(formula, All) else (formula,)
        anchor = next(part for part in parts if anchored(part))
        for part in parts:
            if part is not anchor:
                self._leave_out(part)
        return self.fit(anchor)

    def _leave_out(self, part: RuleTree) -> None:
        self._report.wider(written(part), "left out", "the rule has no room for it")

    def _cut(self, op: Op) -> list[RuleTree]:
        """Drops the last words of a phrase; a single word has no rule."""
        short: Op | None = op
        while short is not None and size(short) > self._max:
            short = shortened(short)
        if short is None:
            self._report.lose(written(op), "posts with this word", "it is longer than a rule")
            return []
        self._report.wider(written(op), written(short), "the phrase is longer than a rule")
        return [short]
