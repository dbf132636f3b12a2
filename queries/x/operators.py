"""Builds X operators for words, hashtags, handles and URLs.

X compares accents ("diacrítica" does not match "diacritica") and ignores case, and splits a post
only at punctuation, symbols and spaces. So each spelling of a word becomes an operator: as written,
folded, and from ``expansions``.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product

import regex

from queries.language.ast import Term
from queries.language.fields import normal
from queries.x.rule import NO_POST, Op, RuleTree, all_of, any_of
from text.tokens import exact_form

Expansions = Mapping[str, Sequence[str]]

MAX_SPELLINGS = 12
"""Spellings of one phrase; beyond that, the rule has its words without their order."""

_HANDLE = re.compile(r"[a-z0-9_]{1,15}")
_ACCOUNT_ID = re.compile(r"[0-9]{1,20}")
_THREAD = re.compile(r"x:([0-9]{1,20})", re.ASCII)
_TICKER = re.compile(r"\$[a-z]{1,6}")
_BARE = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*")
_PUNCTUATION = regex.compile(r"[^\p{L}\p{M}\p{N}_\s]")
_KEYWORD_OPERATORS = {"or", "and", "not"}
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Arabic}\p{Hangul}"
    r"\p{Hebrew}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}"
    r"\p{Kannada}\p{Malayalam}\p{Sinhala}]"
)
_ACCENTABLE = regex.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}]")
_COLOURED = "\ufe0f"
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{RI}]")
_SURE_EMOJI = regex.compile(r"[\p{Emoji_Presentation}\p{RI}]")
_HASHTAG = regex.compile(r"#(?=.*[^\p{Nd}_])[\p{L}\p{M}\p{N}_]+")


def unspaced(text: str) -> bool:
    """Whether it has letters of a script whose words stand beside others without a space."""
    return _UNSPACED.search(text) is not None


def accentable(text: str) -> bool:
    """Whether a post could write it with accents."""
    return _ACCENTABLE.search(text) is not None


def searchable(word: str) -> bool:
    """Whether X can search it: an underscore alone is punctuation there."""
    return any(map(str.isalnum, word)) or _EMOJI.search(word) is not None


def is_sure_emoji(text: str) -> bool:
    """Whether it is always shown as an emoji: ``®`` and ``✈`` can be text."""
    return _COLOURED in text or _SURE_EMOJI.search(text) is not None


def listed(term: str, expansions: Expansions) -> Sequence[str]:
    """The expansions of a term or value, as written or else in its folded form."""
    return expansions.get(term, expansions.get(normal(term), ()))


def spellings(term: Term, expansions: Expansions) -> list[str]:
    """The known spellings of a term, in lower case."""
    if term.exact and not term.wildcard:
        return [exact_form(term.text).lower()]
    own = [] if term.wildcard else [term.text, *term.forms, *term.capitals]
    others = list(listed(term.text, expansions))
    # What is written together with a word is so with its other spellings too.
    together = [form.replace(term.form, word) for word in others for form in term.forms[1:]]
    words = [*own, *others, *together]
    words = [unicodedata.normalize("NFC", word).lower() for word in words]
    return list(dict.fromkeys(filter(None, words)))


def keyword(words: str, field: str = "") -> Op | None:
    """X's keyword or exact phrase for the words; None: X can search none of them.

    Quotes prevent that X reads ``OR`` or ``from:`` as an operator.
    """
    plain = " ".join(part for part in _PUNCTUATION.sub(" ", words).split() if searchable(part))
    if not plain:
        return None
    bare = _BARE.fullmatch(plain) and plain not in _KEYWORD_OPERATORS
    return Op(field + (plain if bare else f'"{plain}"'))


def phrase(words: Iterable[Sequence[str]], field: str = "") -> RuleTree:
    """The phrase in every combination of spellings; if these are too many, its words anywhere."""
    choices = [list(dict.fromkeys(word)) for word in words]
    combined = list(islice(product(*choices), MAX_SPELLINGS + 1))
    if len(combined) > MAX_SPELLINGS:
        return all_of(_any_keyword(choice, field) for choice in choices)
    return _any_keyword((text for row in combined for text in _glued(row)), field)


def _any_keyword(texts: Iterable[str], field: str) -> RuleTree:
    return any_of(op or NO_POST for op in (keyword(text, field) for text in texts))


def _glued(words: Sequence[str]) -> Iterator[str]:
    """Words of scripts without spaces, joined with and without spaces."""
    yield " ".join(words)
    for beside in (all, any):
        yield "".join(
            word if not place or beside(map(unspaced, words[place - 1 : place + 1])) else f" {word}"
            for place, word in enumerate(words)
        )


def emoji(term: Term) -> RuleTree:
    """The emoji with and without its colour mark. X needs quotes around one with a variant."""
    plain = term.text.replace(_COLOURED, "")
    signs = [plain, term.text]
    if len(plain) == 1 and not is_sure_emoji(plain):
        signs.append(plain + _COLOURED)
    ops = [Op(sign if len(sign) == 1 else f'"{sign}"') for sign in filter(None, signs)]
    # tocsin folds ™ to letters.
    return any_of([*ops, keyword(term.form) or NO_POST])


def hashtag(text: str) -> RuleTree:
    """A hashtag; for X, digits alone are a word."""
    tag = "#" + text.lstrip("#＃")
    return Op(tag) if _HASHTAG.fullmatch(tag) else keyword(tag) or NO_POST


def handle(text: str) -> RuleTree:
    """A handle in the text; one that X does not allow (of Bluesky) becomes words."""
    name = text.lstrip("@＠")
    return Op(f"@{name}") if _HANDLE.fullmatch(name) else keyword(name) or NO_POST


def ticker(text: str) -> RuleTree:
    return Op(text) if _TICKER.fullmatch(text) else keyword(text) or NO_POST


def mentioned(name: str) -> RuleTree:
    """An account that X lists as mentioned."""
    return Op(f"@{name}") if _HANDLE.fullmatch(name) else NO_POST


def conversation(thread: str) -> RuleTree:
    """The posts of a thread; only X's own have such an id."""
    found = _THREAD.fullmatch(thread)
    return Op(f"conversation_id:{found[1]}") if found else NO_POST


def account(name: str) -> RuleTree:
    valid = _HANDLE.fullmatch(name) or _ACCOUNT_ID.fullmatch(name)
    return Op(f"from:{name}") if valid else NO_POST


def tagged(tag: str) -> RuleTree:
    """A hashtag that X lists."""
    return Op(f"#{tag}") if _HASHTAG.fullmatch(f"#{tag}") else NO_POST


def shortened(op: Op) -> Op | None:
    """The phrase without its last word; None: it is one word or negated."""
    words = re.fullmatch(r'([a-z_]*:?)"(.+) (\S+)"', op.text)
    return None if words is None or op.negated else keyword(words[2], words[1])
