"""Reports what the rules for X change: extra posts, and posts that may be missing."""

from dataclasses import dataclass, field

from queries.language.ast import NOWHERE, Node, Span, Term
from queries.language.errors import shorten
from queries.language.format import format_query
from queries.x.operators import Expansions, accentable, listed, unspaced
from text.tokens import MAX_FOLDED

_MAX_CLAUSE = 200
_Loss = tuple[str, str]
"""Which posts may be missing, and why; one note for all words concerned."""
_ACCENTS: _Loss = (
    "posts that write it with accents or with similar letters",
    "e and é are different letters to X; list such spellings in expansions",
)
_UNSPACED: _Loss = (
    "posts that write it without spaces around it",
    "X documents only that it splits posts at spaces, punctuation and symbols",
)
_SIGNS: _Loss = (
    "posts in which X recognizes no such hashtag, account or cashtag",
    "X has its own rules: the account must exist, and a space must precede the sign",
)
_LOSSES = (_ACCENTS, _UNSPACED, _SIGNS)


@dataclass(frozen=True, slots=True)
class Note:
    clause: str
    how: str
    why: str
    span: Span = field(default=NOWHERE, compare=False)


class LossReport:
    """Collects the notes on one query."""

    def __init__(self) -> None:
        self._widened: dict[Note, None] = {}
        self._lost: dict[Note, None] = {}
        self._words: dict[_Loss, dict[str, None]] = {loss: {} for loss in _LOSSES}
        self.patterns: dict[str, Span] = {}
        """Wildcards without expansions."""

    def wider(self, clause: Node | str, how: str, why: str) -> None:
        """Note that the rule matches more than the clause."""
        self._widened.setdefault(_note(clause, how, why))

    def lose(self, clause: Node | str, how: str, why: str) -> None:
        """Note that X may send less than the clause matches."""
        self._lost.setdefault(_note(clause, how, why))

    def pattern(self, node: Node, text: str) -> None:
        self.patterns.setdefault(text, node.span)
        self.wider(node, "left out", "X has no wildcards, and expansions do not list its words")

    def folded(self, text: str, expansions: Expansions) -> None:
        """Note text that also means other spellings, unless expansions list them."""
        if accentable(text) and not listed(text, expansions):
            self._words[_ACCENTS].setdefault(text)

    def word(self, term: Term, expansions: Expansions) -> None:
        """Note what X may miss or add for a term in its known spellings."""
        if term.kind in ("word", "hashtag") and not (term.exact or term.accented or term.wildcard):
            self.folded(term.text, expansions)
        if term.kind in ("hashtag", "handle", "ticker"):
            self._words[_SIGNS].setdefault(term.text)
        elif unspaced(term.text):
            self._words[_UNSPACED].setdefault(term.text)
        if term.wildcard:
            self.lose(term, "words that match it and are not in expansions", "X has no wildcards")
        if len(term.form) > MAX_FOLDED // 2:
            self.lose(
                term, "longer words with this beginning", "tocsin compares only the beginning"
            )
        if term.exact and term.text.lower() != term.text.upper():
            self.wider(term, f"{term.text.lower()}, in any capitals", "X ignores case")

    @property
    def widened(self) -> tuple[Note, ...]:
        """In query order."""
        return tuple(sorted(self._widened, key=lambda note: note.span))

    @property
    def lost(self) -> tuple[Note, ...]:
        return tuple(self._lost) + tuple(
            Note(shorten(", ".join(texts), _MAX_CLAUSE), *loss)
            for loss, texts in self._words.items()
            if texts
        )


def _note(clause: Node | str, how: str, why: str) -> Note:
    if isinstance(clause, str):
        return Note(shorten(clause, _MAX_CLAUSE), how, why)
    return Note(shorten(format_query(clause), _MAX_CLAUSE), how, why, clause.span)
