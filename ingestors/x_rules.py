"""From brands to the rules of X's filtered stream, and from the rules there to the rules wanted.

Pure functions; :mod:`ingestors.x_api` talks to X. A rule decides only what X sends (and bills);
which brand a post names is decided later, by our own matcher. So a rule errs on the side of *more*
posts: the languages may be dropped where they do not fit, a name never is, unless it alone is
longer than a rule may be. And a brand's ``exclude`` is in no rule at all: ``apple -"apple pie"``
would cost the post "an apple pie beside my Apple", which the matcher keeps (``queries/names.py``
takes away only the matches that lie within the phrase).

Syntax and limits: docs.x.com/x-api/posts/filtered-stream/integrate/build-a-rule (AND binds before
OR, groups are not negated, 512 or 1024 characters by plan) and .../integrate/operators.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.brand import Brand

TAG_PREFIX = "tocsin:"
"""Rules with this tag are ours to delete; all others in the project are left alone."""
MAX_LENGTH = 512
"""Characters of a rule that every plan allows."""

_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")
_LANGUAGES = frozenset(
    re.findall(
        "[a-z]+",
        "am ar bg bn bo bs ca ckb cs cy da de dv el en es et eu fa fi fr gu he hi hr ht hu hy id "
        "is it ja ka km kn ko lo lt lv ml mr my ne nl no or pa pl ps pt ro ru sd si sk sl sr sv ta "
        "te th tl tr ug uk ur vi",
    )
)
"""What ``lang:`` takes, of the codes that a brand may list; an unknown code makes the whole rule
invalid, so a brand that lists another gets no ``lang:`` at all. The operator wants ``id`` and
``he`` although posts say ``in`` and ``iw`` (github.com/xdevplatform/docs/issues/307); Chinese has
only ``zh-CN`` and ``zh-TW`` there, while posts say ``zh``."""
_SEPARATORS = frozenset(("Cc", "Cs", "So", "Zl", "Zp", "Zs"))
_SAME_LANGUAGE = {"in": "id", "iw": "he", "nb": "no", "nn": "no", "fil": "tl"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``id`` is X's, and None for a rule that is only wanted."""

    value: str
    tag: str | None = None
    id: str | None = None

    @property
    def ours(self) -> bool:
        """Whether tocsin made it."""
        return (self.tag or "").startswith(TAG_PREFIX)


def rules_for(brands: Sequence[Brand], max_length: int = MAX_LENGTH) -> list[Rule]:
    """The rules that ask for every brand's posts, each rule text once, in a stable order.

    A brand whose names and handles do not fit into one rule gets several; a post that matches two
    of them is still delivered once.
    """
    rules: dict[str, Rule] = {}
    for brand in sorted(brands, key=lambda brand: brand.id):
        for number, value in enumerate(_values(brand, max_length), start=1):
            rules.setdefault(value, Rule(value, f"{TAG_PREFIX}{brand.id}:{number}"))
    return list(rules.values())


def reconcile(wanted: Sequence[Rule], existing: Sequence[Rule]) -> tuple[list[Rule], list[str]]:
    """What to add and the ids of what to delete, so that X holds what is wanted.

    A rule is known by its text, as X refuses the same text twice: one that is there under another
    tag is kept as it is, and one that somebody else made is neither added again nor deleted.
    """
    texts = {rule.value for rule in wanted}
    held = {rule.value for rule in existing if not rule.ours}
    to_delete: list[str] = []
    for rule in existing:
        if not rule.ours or rule.id is None:
            continue
        if rule.value in texts and rule.value not in held:
            held.add(rule.value)
        else:
            to_delete.append(rule.id)
    to_add: dict[str, Rule] = {}
    for rule in wanted:
        if rule.value not in held:
            to_add.setdefault(rule.value, rule)
    return list(to_add.values()), to_delete


def _values(brand: Brand, max_length: int) -> list[str]:
    terms = [term for term in _terms(brand) if _length(term) <= max_length]
    if not terms:
        return []
    suffix = _languages(brand, max_length - max(_length(term) for term in terms))
    return [group + suffix for group in _groups(terms, max_length - _length(suffix))]


def _terms(brand: Brand) -> list[str]:
    """Quoted names and ``@handles``, each once, in the brand's order."""
    names = [_phrase(name) for name in brand.names or [brand.name]]
    handles = [
        f"@{handle.removeprefix('@')}"
        for handle in brand.handles
        if _HANDLE.fullmatch(handle.removeprefix("@"))
    ]
    return _unique([*names, *handles])


def _phrase(text: str) -> str | None:
    """The text as X's exact phrase; None for what has nothing in it that X could look for.

    Quotes keep ``OR``, ``from:`` and punctuation from being read as operators. Symbols are left
    out of a phrase (``Acme®`` asks for ``"Acme"``); one that stands alone, an emoji, is an
    operator of its own and stays bare.
    """
    words = "".join(" " if _separates(letter) else letter for letter in text)
    if any(letter.isalnum() for letter in words):
        return f'"{" ".join(words.split())}"'
    symbols = [letter for letter in text if unicodedata.category(letter) == "So"]
    return symbols[0] if len(symbols) == 1 else None


def _separates(letter: str) -> bool:
    return letter in '"\\“”' or unicodedata.category(letter) in _SEPARATORS


def _languages(brand: Brand, room: int) -> str:
    """The clause for the languages, if X knows them all and the longest term leaves room."""
    codes = [_SAME_LANGUAGE.get(code.lower(), code.lower()) for code in brand.languages]
    if not codes or not all(code in _LANGUAGES for code in codes):
        return ""
    clause = " " + _any_of([f"lang:{code}" for code in _unique(codes)])
    return clause if _length(clause) <= room else ""


def _groups(terms: Iterable[str], room: int) -> list[str]:
    """``(a OR b OR c)`` as often as needed, none longer than ``room``."""
    groups: list[list[str]] = []
    for term in terms:
        if groups and _length(_any_of([*groups[-1], term])) <= room:
            groups[-1].append(term)
        else:
            groups.append([term])
    return [_any_of(group) for group in groups]


def _any_of(terms: Sequence[str]) -> str:
    return terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})"


def _unique(terms: Iterable[str | None]) -> list[str]:
    """Each term once (X ignores case), in order, without the Nones."""
    unique: dict[str, str] = {}
    for term in terms:
        if term is not None:
            unique.setdefault(term.casefold(), term)
    return list(unique.values())


def _length(text: str) -> int:
    """Length in UTF-16 units: never less than X counts, whichever way it counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
