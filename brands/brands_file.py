"""Reads ``brands.yaml``; every error is one sentence with the brand and the field."""

from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

from brands.alert_policy import read_quiet_event, read_quiet_hours
from brands.brand_query import query_of, refuse_later
from brands.brand_values import handle_of, normalised
from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.language.parser import parse
from queries.language.references import SavedQueries
from runtime.configuration.files import read_yaml
from runtime.configuration.validation import field_error, unknown_field
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from schemas.source_names import OTHERWISE
from text.spelling import nearest
from text.tokens import tokenize

T = TypeVar("T")
_SEVERITIES = ("1", "2", "3", "4", "5")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    brands: list[dict[str, Any]]
    queries: dict[str, str] = {}


class BrandsFile(NamedTuple):
    """The correct brands of a file, and one error for each mistake."""

    brands: list[Brand]
    """With the saved queries in their queries."""
    written: dict[str, str]
    """The queries as written: of brands by id, then the saved ones."""
    saved: frozenset[str]
    """Names of the saved queries."""
    errors: list[ConfigurationError]


def load_brands(path: Path, published: Collection[str] = ()) -> list[Brand]:
    """The brands of a file; ``published``: ids of other brands, which ``peers`` may name."""
    file = read_brands_file(path, published)
    if file.errors:
        raise file.errors[0]
    return file.brands


def read_brands_file(path: Path, published: Collection[str] = ()) -> BrandsFile:
    """Read what can be read; raises ConfigurationError only if the file holds no list of brands."""
    raw = read_yaml(path, _File, "it must hold a list under 'brands:', see docs/brands.md")
    errors: list[ConfigurationError] = []

    def tried(step: Callable[..., T], *arguments: Any) -> list[T]:
        try:
            return [step(*arguments)]
        except ConfigurationError as error:
            errors.append(error)
            return []

    for name in raw.queries:
        tried(_check_saved, name, raw.queries, path)
    brands = [brand for entry in raw.brands for brand in tried(_brand, entry, path)]
    # A brand's own query is saved under its id, for use by other brands.
    own = {
        str(entry["id"]): query
        for entry in raw.brands
        if "id" in entry and isinstance(query := entry.get("query"), str)
    }
    saved = SavedQueries(own | raw.queries)
    brands = [whole for brand in brands for whole in tried(_with_query, brand, saved, path)]
    ids = Counter(str(entry["id"]) for entry in raw.brands if "id" in entry)
    for name in (name for name, count in ids.items() if count > 1):
        errors.append(ConfigurationError(f"{path}: brand {name} is defined twice; keep one"))
    if not raw.brands:
        errors.append(ConfigurationError(f"{path} has no brand; add one, see docs/brands.md"))
    for brand in brands:
        tried(_check_peers, brand, {*ids, *published}, path)
    return BrandsFile(brands, own | raw.queries, frozenset(raw.queries), errors)


def _brand(entry: dict[str, Any], path: Path) -> Brand:
    name = entry.get("id", "(a brand without id)")
    unknown = unknown_field(entry, Brand)
    if unknown is not None:
        raise ConfigurationError(
            f"{path}: brand {name} has an unknown field {unknown.path}; {unknown.hint}"
        )
    try:
        brand = msgspec.convert(entry, Brand)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: brand {name}: {field_error(error, Brand)}") from None
    for word in brand.names or ([brand.name] if brand.query is None else []):
        if not len(tokenize(word)):
            raise ConfigurationError(
                f"{path}: the name {word!r} of brand {name} has no word; write it with letters, "
                "digits or an emoji"
            )
    if len({example.about for example in brand.examples}) == 1:
        kind, wanted = ("true", "false") if brand.examples[0].about else ("false", "true")
        raise ConfigurationError(
            f"{path}: brand {name} has only examples with about: {kind}; add some with about: "
            f"{wanted}, or remove the examples"
        )
    brand = normalised(brand, path)
    _check_owned(brand, path)
    _check_policy(brand, path)
    return brand


def _check_peers(brand: Brand, known: Collection[str], path: Path) -> None:
    for peer in brand.peers:
        if peer == brand.id:
            raise ConfigurationError(f"{path}: brand {brand.id} names itself in peers; take it out")
        if peer not in known:
            near = nearest(peer, known)
            hint = f"did you mean {near}?" if near else "write the id of a brand of this file"
            raise ConfigurationError(
                f"{path}: brand {brand.id} has a peer {peer}, and there is no such brand; {hint}"
            )


def _check_owned(brand: Brand, path: Path) -> None:
    for account in brand.owned:
        source, colon, name = account.partition(":")
        if source.strip().lower() in ("http", "https"):
            called = _source_of_address(account.strip())
            raise ConfigurationError(
                f"{path}: brand {brand.id} has the address {account!r} in owned; write the source "
                f"and the account: {called}:{handle_of(account) or 'account'}"
            )
        if not (colon and source.strip() and name.strip()):
            raise ConfigurationError(
                f"{path}: brand {brand.id} has {account!r} in owned; write the source and the "
                f"account, such as x:{account.strip(':@ ') or 'account'}"
            )


def _source_of_address(address: str) -> str:
    """``x`` for https://x.com/velmora, ``reddit`` for www.reddit.com/user/velmora."""
    try:
        host = (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return "x"
    return OTHERWISE.get(host) or host.partition(".")[0] or "x"


def _check_policy(brand: Brand, path: Path) -> None:
    policy = brand.alerts
    for severity in (*policy.channels, *policy.playbook):
        if severity not in _SEVERITIES:
            raise ConfigurationError(
                f"{path}: brand {brand.id} has channels or a playbook for severity "
                f"{severity!r}; it must be one of {', '.join(_SEVERITIES)}, in quotes"
            )
    try:
        if policy.quiet_hours is not None:
            read_quiet_hours(policy.quiet_hours)
        for event in policy.quiet_events:
            read_quiet_event(event)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: brand {brand.id}: {error}") from None


def _check_saved(name: str, saved: dict[str, str], path: Path) -> None:
    """Raise for an invalid saved query, used or not."""
    text = saved[name]
    try:
        SavedQueries(saved).resolve(parse(text))
    except QueryError as error:
        raise ConfigurationError(
            f"{path}: the query {name!r} has a mistake\n{error.show(text)}"
        ) from None


def _with_query(brand: Brand, saved: SavedQueries, path: Path) -> Brand:
    """The brand with the ``query:`` references of its query resolved."""
    try:
        if brand.query is None:
            query_of(brand)
            return brand
        node = parse(brand.query)
        resolved = saved.resolve(node)
        refuse_later(resolved)
        if resolved == node:
            return brand
        # The resolved query is published: it must keep the limits of a query too.
        whole = format_query(resolved)
        parse(whole)
    except QueryError as error:
        shown = error.show(brand.query) if brand.query else str(error)
        raise ConfigurationError(
            f"{path}: the query of brand {brand.id} has a mistake\n{shown}"
        ) from None
    return msgspec.structs.replace(brand, query=whole)
