"""Makes of a formula rules that X takes: dashes never alone, and none longer than a rule may be.

A long OR becomes several rules. Of a long AND its longest OR does, and what leaves too little room
for it is left out, which only widens. So the rules are never many more than the letters ask for.
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
"""Ways to match that are written out for the sake of one dash."""


def lifted(formula: RuleTree, report: LossReport) -> RuleTree:
    """The formula with no way to match, in any OR, that is but a dash and what X lets not stand.

    X refuses ``apple OR -ipad``; ``a (-b OR c)`` becomes ``(a -b) OR (a c)``.
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
    """Whether it is an OR with a way to match that holds a dash and nothing to hold on to."""
    return isinstance(part, AnyOf) and any(
        not anchored(way) and any(op.negated for op in operators(way)) for way in part.parts
    )


class Fitting:
    """Cuts formulas to rules of at most ``most`` characters; reports what that changes."""

    def __init__(self, most: int, report: LossReport) -> None:
        self._most = most
        self._report = report

    def fit(self, formula: RuleTree) -> list[RuleTree]:
        """Rules that together match all that the formula does."""
        if size(formula) <= self._most:
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
        """As few rules as going through them once makes."""
        packs: list[list[RuleTree]] = []
        room = 0
        for rule in rules:
            needed = size(rule) + (2 if isinstance(rule, All) else 0) + 4
            if packs and needed <= room:
                packs[-1].append(rule)
                room -= needed
            else:
                packs.append([rule])
                # A lone rule has no parentheses; another one beside it brings them.
                room = self._most - needed + 4
        return [any_of(pack) for pack in packs]

    def _divided(self, parts: list[RuleTree]) -> list[RuleTree]:
        """An AND that is too long: its longest OR in pieces, each beside all the rest."""
        wide = max((p for p in parts if isinstance(p, AnyOf)), key=size, default=None)
        rest = [part for part in parts if part is not wide]
        most = self._most if wide is None else self._most // 2
        while size(all_of(rest)) > most and self._drop_one(rest, wide):
            pass
        if wide is None:
            whole = all_of(rest)
            return self._only(whole) if size(whole) > self._most else [whole]
        kept = [part for part in parts if part is wide or part in rest]
        return [all_of(kept)] if size(all_of(kept)) <= self._most else self._spread(kept, wide)

    def _spread(self, parts: list[RuleTree], wide: AnyOf) -> list[RuleTree]:
        def with_ways(ways: list[RuleTree]) -> RuleTree:
            return all_of([any_of(ways) if part is wide else part for part in parts])

        rules: list[RuleTree] = []
        piece: list[RuleTree] = []
        for part in wide.parts:
            if size(with_ways([*piece, part])) <= self._most:
                piece.append(part)
                continue
            if piece:
                rules.append(with_ways(piece))
                piece = []
            if size(with_ways([part])) <= self._most:
                piece = [part]
            else:
                rules += self.fit(with_ways([part]))
        return [*rules, with_ways(piece)] if piece else rules

    def _drop_one(self, rest: list[RuleTree], wide: RuleTree | None) -> bool:
        """Leave out the longest part that the others can stand without."""
        for part in sorted(rest, key=size, reverse=True):
            others = [other for other in rest if other is not part]
            if anchored(all_of([*others, wide or EVERY_POST])) and (others or wide):
                self._report.wider(written(part), "left out", "there is no room for it in the rule")
                rest[:] = others
                return True
        return False

    def _only(self, formula: RuleTree) -> list[RuleTree]:
        """A part that nothing else can stand for, with whatever has room beside it."""
        parts = formula.parts if isinstance(formula, All) else (formula,)
        holding = next(part for part in parts if anchored(part))
        for part in parts:
            if part is not holding:
                self._report.wider(written(part), "left out", "there is no room for it in the rule")
        return self.fit(holding)

    def _cut(self, op: Op) -> list[RuleTree]:
        """A phrase without its last words; a longer word cannot be asked for."""
        short: Op | None = op
        while short is not None and size(short) > self._most:
            short = shortened(short)
        if short is None:
            self._report.lose(
                written(op), "posts with this word", "it is longer than a rule may be"
            )
            return []
        self._report.wider(written(op), written(short), "a longer phrase has no room in a rule")
        return [short]
