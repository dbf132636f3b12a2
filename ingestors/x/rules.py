"""Compiles brands to rules of X's filtered stream, and compares them with the rules at X.

Pure functions. A rule decides only what X sends (and bills). Our own matcher decides which brand a
post names, so a rule is an upper bound: languages that do not fit are left out, and so is a brand's
``exclude``. ``apple -"apple pie"`` would lose the post "an apple pie beside my Apple", which the
matcher keeps.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brands.brand_query import query_of
from queries.language.errors import QueryError
from queries.x.rule_compiler import MAX_LENGTH, XRules, compile_rules
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from text.tokens import tokenize

TAG_PREFIX = "tocsin:"
"""Tag of our rules; all others in the project are left alone."""

_LANGUAGES = frozenset(
    re.findall(
        "[a-z]+",
        "am ar bg bn bo bs ca ckb cs cy da de dv el en es et eu fa fi fr gu he hi hr ht hu hy id "
        "is it ja ka km kn ko lo lt lv ml mr my ne nl no or pa pl ps pt ro ru sd si sk sl sr sv ta "
        "te th tl tr ug uk ur vi",
    )
)
"""Codes of ``lang:``. An unknown code makes the whole rule invalid, so a brand with another code
gets no ``lang:``. The operator has ``id`` and ``he`` for ``in`` and ``iw`` of posts
(github.com/xdevplatform/docs/issues/307), and only ``zh-CN`` and ``zh-TW`` for ``zh``."""
_SAME_LANGUAGE = {"in": "id", "iw": "he", "nb": "no", "nn": "no", "fil": "tl"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``id`` is X's, or None for a wanted rule."""

    value: str
    tag: str | None = None
    id: str | None = None

    @property
    def ours(self) -> bool:
        return (self.tag or "").startswith(TAG_PREFIX)


def rules_for(
    brands: Sequence[Brand],
    max_length: int = MAX_LENGTH,
    expansions: Mapping[str, Sequence[str]] | None = None,
) -> list[Rule]:
    """The rules of all brands, each text once, in a stable order.

    A long query is split into several rules; X delivers a post that matches two of them once.
    Raises ``ConfigurationError`` for a brand that has no rule.
    """
    rules: dict[str, Rule] = {}
    for brand in sorted(brands, key=lambda brand: brand.id):
        values = compiled(brand, max_length, expansions).rules
        for number, value in enumerate(values, start=1):
            rules.setdefault(value, Rule(value, f"{TAG_PREFIX}{brand.id}:{number}"))
    return list(rules.values())


def compiled(
    brand: Brand,
    max_length: int = MAX_LENGTH,
    expansions: Mapping[str, Sequence[str]] | None = None,
) -> XRules:
    """One brand's rules, with the report of what they add and what they may miss."""
    try:
        return compile_rules(
            query_of(brand),
            max_length=max_length,
            expansions={**_written(brand), **(expansions or {})},
            languages=_languages(brand),
        )
    except QueryError as error:
        shown = error.show(brand.query) if brand.query else str(error)
        raise ConfigurationError(f"brand {brand.id} cannot be a rule of X: {shown}") from None


def _written(brand: Brand) -> dict[str, list[str]]:
    """The words and hashtags of names as written, by their folded form, which X does not know."""
    spelt: dict[str, list[str]] = {}
    for name in (brand.names or [brand.name]) if brand.query is None else []:
        tokens = tokenize(name)
        pairs = [*zip(tokens.exact, tokens.folded, strict=True)]
        pairs.append(("#" + "".join(tokens.exact), "#" + "".join(tokens.folded)))
        for exact, folded in pairs:
            if exact.lower() != folded:
                spelt.setdefault(folded, []).append(exact.lower())
    return spelt


def reconcile(wanted: Sequence[Rule], existing: Sequence[Rule]) -> tuple[list[Rule], list[str]]:
    """The rules to add, and the ids of those to delete, to reach the wanted rules.

    The text identifies a rule, as X refuses the same text twice: a rule with another tag is kept,
    and a rule of another client is neither added again nor deleted.
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


def _languages(brand: Brand) -> list[str]:
    """Codes for ``lang:``; none if X does not know one of the brand's languages."""
    codes = [_SAME_LANGUAGE.get(code.lower(), code.lower()) for code in brand.languages]
    return list(dict.fromkeys(codes)) if all(code in _LANGUAGES for code in codes) else []
