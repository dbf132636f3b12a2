"""Reads ``brands.yaml``; every error is one sentence with the brand and the field."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from brands.alert_policy import read_quiet_hours
from brands.brand_query import query_of, refuse_later
from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.language.parser import parse
from queries.language.references import SavedQueries
from runtime.files import read_yaml
from runtime.validation import field_error, unknown_field
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from text.spelling import nearest
from text.tokens import tokenize

_SEVERITIES = ("1", "2", "3", "4", "5")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    brands: list[dict[str, Any]]
    queries: dict[str, str] = {}


def load_brands(path: Path, published: Collection[str] = ()) -> list[Brand]:
    """The brands of a file; ``published``: ids of other brands, which ``peers`` may name."""
    raw = read_yaml(path, _File, "it must hold a list under 'brands:', see docs/brands.md")
    _check_saved(raw.queries, path)
    brands = [_brand(entry, path) for entry in raw.brands]
    # A brand's own query is saved under its id, for use by other brands.
    own = {brand.id: brand.query for brand in brands if brand.query is not None}
    saved = SavedQueries(own | raw.queries)
    brands = [_with_query(brand, saved, path) for brand in brands]
    seen: set[str] = set()
    for brand in brands:
        if brand.id in seen:
            raise ConfigurationError(f"{path}: brand {brand.id} is defined twice; keep one")
        seen.add(brand.id)
    if not brands:
        raise ConfigurationError(f"{path} has no brand; add one, see docs/brands.md")
    for brand in brands:
        _check_peers(brand, {*seen, *published}, path)
    return brands


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
        if not (colon and source.strip() and name.strip()):
            raise ConfigurationError(
                f"{path}: brand {brand.id} has {account!r} in owned; write the source and the "
                f"account, such as x:{account.strip(':@ ') or 'account'}"
            )


def _check_policy(brand: Brand, path: Path) -> None:
    policy = brand.alerts
    for severity in policy.channels:
        if severity not in _SEVERITIES:
            raise ConfigurationError(
                f"{path}: brand {brand.id} has channels for severity {severity!r}; it must be one "
                f"of {', '.join(_SEVERITIES)}, in quotes"
            )
    if policy.quiet_hours is not None:
        try:
            read_quiet_hours(policy.quiet_hours)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: brand {brand.id}: {error}") from None


def _check_saved(saved: dict[str, str], path: Path) -> None:
    """Raise for an invalid saved query, used or not."""
    queries = SavedQueries(saved)
    for name, text in saved.items():
        try:
            queries.resolve(parse(text))
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
