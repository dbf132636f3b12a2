"""What compiling a query for X changes: which posts come too many, and which may not come."""

from dataclasses import dataclass, field

from queries.language.ast import NOWHERE, Node, Span, Term
from queries.language.errors import shorten
from queries.language.format import format_query
from queries.x.operators import Expansions, accentable, listed, unspaced
from text.tokens import MAX_FOLDED

_MAX_CLAUSE = 200
_Loss = tuple[str, str]
"""Which posts may be missing, and why: what many words of a query have in common."""
_ACCENTS: _Loss = (
    "posts that write it with accents, or in letters that only look alike",
    "e and é are two letters to X; give such spellings in expansions",
)
_UNSPACED: _Loss = (
    "posts that write it together with the words beside it",
    "X says only that it cuts posts at spaces, punctuation and symbols",
)
_SIGNS: _Loss = (
    "posts in which X itself sees no such hashtag, account or cashtag",
    "X goes by its own lists: of accounts that exist, of signs with a space before them",
)
_LOSSES = (_ACCENTS, _UNSPACED, _SIGNS)


@dataclass(frozen=True, slots=True)
class Note:
    clause: str
    how: str
    why: str
    span: Span = field(default=NOWHERE, compare=False)


class LossReport:
    """Collects the notes on one query; what holds for many words is said once."""

    def __init__(self) -> None:
        self._widened: dict[Note, None] = {}
        self._lost: dict[Note, None] = {}
        self._words: dict[_Loss, dict[str, None]] = {loss: {} for loss in _LOSSES}
        self.patterns: dict[str, Span] = {}
        """Wildcards that nothing stands for."""

    def wider(self, clause: Node | str, how: str, why: str) -> None:
        """X is asked for more than the clause."""
        self._widened.setdefault(_note(clause, how, why))

    def lose(self, clause: Node | str, how: str, why: str) -> None:
        """X may send less than the clause."""
        self._lost.setdefault(_note(clause, how, why))

    def pattern(self, node: Node, text: str) -> None:
        """A wildcard that is left out."""
        self.patterns.setdefault(text, node.span)
        self.wider(node, "left out", "X has no wildcards, and no expansions say what it means")

    def folded(self, text: str, expansions: Expansions) -> None:
        """Text that means other spellings too, and whose other spellings nobody listed."""
        if accentable(text) and not listed(text, expansions):
            self._words[_ACCENTS].setdefault(text)

    def word(self, term: Term, expansions: Expansions) -> None:
        """A term that X is asked for in the letters that are known."""
        if term.kind in ("word", "hashtag") and not (term.exact or term.accented or term.wildcard):
            self.folded(term.text, expansions)
        if term.kind in ("hashtag", "handle", "ticker"):
            self._words[_SIGNS].setdefault(term.text)
        elif unspaced(term.text):
            self._words[_UNSPACED].setdefault(term.text)
        if term.wildcard:
            self.lose(term, "words that fit it and are not in expansions", "X has no wildcards")
        if len(term.form) > MAX_FOLDED // 2:
            self.lose(term, "longer words that begin so", "only the beginning is compared here")
        if term.exact and term.text.lower() != term.text.upper():
            self.wider(term, f"{term.text.lower()}, in any capitals", "X ignores case")

    @property
    def widened(self) -> tuple[Note, ...]:
        """In the order of the query."""
        return tuple(sorted(self._widened, key=lambda note: note.span))

    @property
    def lost(self) -> tuple[Note, ...]:
        """What was noted, and what holds for many words."""
        return tuple(self._lost) + tuple(
            Note(shorten(", ".join(texts), _MAX_CLAUSE), *loss)
            for loss, texts in self._words.items()
            if texts
        )


def _note(clause: Node | str, how: str, why: str) -> Note:
    if isinstance(clause, str):
        return Note(shorten(clause, _MAX_CLAUSE), how, why)
    return Note(shorten(format_query(clause), _MAX_CLAUSE), how, why, clause.span)
