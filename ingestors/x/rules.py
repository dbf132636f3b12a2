"""From brands to the rules of X's filtered stream, and from the rules there to the rules wanted.

Pure functions; :mod:`ingestors.x.api` talks to X. A rule decides only what X sends (and bills);
which brand a post names is decided later, by our own matcher. So a rule errs on the side of *more*
posts: ``queries.x.rule_compiler`` makes it from the brand's query, and the languages may be dropped
where they do not fit. A brand's ``exclude`` is in no rule at all: ``apple -"apple pie"`` would cost
the post "an apple pie beside my Apple", which the matcher keeps (``brands/brand_matcher.py`` takes
away only the matches that lie within the phrase).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brands.brand_query import query_of
from queries.language.errors import QueryError
from queries.x.rule_compiler import MAX_LENGTH, XRules, compile_rules
from schemas.brand import Brand
from schemas.errors import ConfigurationError

TAG_PREFIX = "tocsin:"
"""Rules with this tag are ours to delete; all others in the project are left alone."""

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


def rules_for(
    brands: Sequence[Brand],
    max_length: int = MAX_LENGTH,
    expansions: Mapping[str, Sequence[str]] | None = None,
) -> list[Rule]:
    """The rules that ask for every brand's posts, each rule text once, in a stable order.

    A brand whose query does not fit into one rule gets several; a post that matches two of them is
    still delivered once. Raises ``ConfigurationError`` for a brand that X has no rule for.
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
    """One brand's rules, with what they ask too much for and what they may miss."""
    try:
        return compile_rules(
            query_of(brand),
            max_length=max_length,
            expansions=expansions,
            languages=_languages(brand),
        )
    except QueryError as error:
        shown = error.show(brand.query) if brand.query else str(error)
        raise ConfigurationError(f"brand {brand.id} makes no rule for X: {shown}") from None


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


def _languages(brand: Brand) -> list[str]:
    """What ``lang:`` may find; nothing if X does not know one of the brand's languages."""
    codes = [_SAME_LANGUAGE.get(code.lower(), code.lower()) for code in brand.languages]
    return list(dict.fromkeys(codes)) if all(code in _LANGUAGES for code in codes) else []
