"""Words, hashtags, handles and addresses in the letters that X's operators look for.

X compares words with their accents ("diacrítica" does not find "diacritica") and without their
case, and cuts a post at punctuation, symbols and spaces alone. So a word that means several
spellings here becomes one operator each: as it was written, folded, and as ``expansions`` say.
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
"""Spellings of one phrase; where there are more, X is asked for its words on their own."""

_HANDLE = re.compile(r"[a-z0-9_]{1,15}")
_ACCOUNT_ID = re.compile(r"[0-9]{1,20}")
_TICKER = re.compile(r"\$[a-z]{1,6}")
_BARE = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*")
_PUNCTUATION = regex.compile(r"[^\p{L}\p{M}\p{N}_\s]")
_KEYWORD_OPERATORS = {"or", "and", "not"}
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_ACCENTABLE = regex.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}]")
_COLOURED = "\ufe0f"
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{RI}]")
_SURE_EMOJI = regex.compile(r"[\p{Emoji_Presentation}\p{RI}]")
_HASHTAG = regex.compile(r"#(?=.*[^\p{Nd}_])[\p{L}\p{M}\p{N}_]+")


def unspaced(text: str) -> bool:
    """Whether it has letters of a script that is written without spaces."""
    return _UNSPACED.search(text) is not None


def accentable(text: str) -> bool:
    """Whether a post could write it with accents."""
    return _ACCENTABLE.search(text) is not None


def searchable(word: str) -> bool:
    """Whether X keeps anything of it: an underscore alone is punctuation there."""
    return any(map(str.isalnum, word)) or _EMOJI.search(word) is not None


def is_sure_emoji(text: str) -> bool:
    """Whether it is shown as an emoji everywhere: ``®`` and ``✈`` are signs of text as well."""
    return _COLOURED in text or _SURE_EMOJI.search(text) is not None


def listed(term: str, expansions: Expansions) -> Sequence[str]:
    """What is said to stand for a term or value, by how it was written or by its folded form."""
    found = expansions.get(term)
    return expansions.get(normal(term), ()) if found is None else found


def spellings(term: Term, expansions: Expansions) -> list[str]:
    """The letters that a post may write the term in, as far as they are known; lower case."""
    if term.exact and not term.wildcard:
        return [exact_form(term.text).lower()]
    found = [*([] if term.wildcard else [term.text, term.form]), *listed(term.text, expansions)]
    found = [unicodedata.normalize("NFC", word).lower() for word in found]
    return list(dict.fromkeys(word for word in found if word))


def keyword(words: str, field: str = "") -> Op | None:
    """The words in a row, as X's keyword or exact phrase; None: there is nothing to look for.

    Quotes keep ``OR``, ``from:`` and the like from being read as operators.
    """
    plain = " ".join(part for part in _PUNCTUATION.sub(" ", words).split() if searchable(part))
    if not plain:
        return None
    bare = _BARE.fullmatch(plain) and plain not in _KEYWORD_OPERATORS
    return Op(field + (plain if bare else f'"{plain}"'))


def phrase(words: Iterable[Sequence[str]], field: str = "") -> RuleTree:
    """One spelling of each word, in a row. Too many to write out: the words, in any place."""
    choices = [list(dict.fromkeys(word)) for word in words]
    combined = list(islice(product(*choices), MAX_SPELLINGS + 1))
    if len(combined) > MAX_SPELLINGS:
        return all_of(_any_keyword(choice, field) for choice in choices)
    return _any_keyword((text for row in combined for text in _glued(row)), field)


def _any_keyword(texts: Iterable[str], field: str) -> RuleTree:
    return any_of(op or NO_POST for op in (keyword(text, field) for text in texts))


def _glued(words: Sequence[str]) -> Iterator[str]:
    """Scripts without spaces are written with none, and now and then with some."""
    yield " ".join(words)
    for beside in (all, any):
        yield "".join(
            word if not place or beside(map(unspaced, words[place - 1 : place + 1])) else f" {word}"
            for place, word in enumerate(words)
        )


def emoji(term: Term) -> RuleTree:
    """The emoji, with and without the mark that colours it.

    X: an emoji with a variant has to stand in quotes.
    """
    plain = term.text.replace(_COLOURED, "")
    signs = [plain, term.text]
    if len(plain) == 1 and not is_sure_emoji(plain):
        signs.append(plain + _COLOURED)
    ops: list[RuleTree] = [
        Op(sign if len(sign) == 1 else f'"{sign}"') for sign in dict.fromkeys(signs) if sign
    ]
    # ™ is read as the letters that it stands for, here.
    return any_of(ops + [op for op in [keyword(term.form)] if op])


def hashtag(text: str) -> RuleTree:
    """A hashtag; X has none of digits alone, so that such a one is a word there."""
    tag = "#" + text.lstrip("#＃")
    return Op(tag) if _HASHTAG.fullmatch(tag) else keyword(tag) or NO_POST


def handle(text: str) -> RuleTree:
    """A handle in the text; one that X cannot have (a Bluesky handle) is words to it."""
    name = text.lstrip("@＠")
    return Op(f"@{name}") if _HANDLE.fullmatch(name) else keyword(name) or NO_POST


def ticker(text: str) -> RuleTree:
    return Op(text) if _TICKER.fullmatch(text) else keyword(text) or NO_POST


def mentioned(name: str) -> RuleTree:
    """An account that X lists as mentioned; no account has another sort of name."""
    return Op(f"@{name}") if _HANDLE.fullmatch(name) else NO_POST


def account(name: str) -> RuleTree:
    known = _HANDLE.fullmatch(name) or _ACCOUNT_ID.fullmatch(name)
    return Op(f"from:{name}") if known else NO_POST


def tagged(tag: str) -> RuleTree:
    """A hashtag that X lists; no hashtag has another sort of name."""
    return Op(f"#{tag}") if _HASHTAG.fullmatch(f"#{tag}") else NO_POST


def shortened(op: Op) -> Op | None:
    """The phrase without its last word; None: it is one word."""
    found = re.fullmatch(r'([a-z_]*:?)"(.+) (\S+)"', op.text)
    if found is None or op.negated:
        return None
    return keyword(found[2], found[1])
