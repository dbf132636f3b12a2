"""What publishing a brands file changes: brands added, changed field by field, and removed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas.brand import Brand


class FieldChange(NamedTuple):
    """``field`` is dotted, such as ``alerts.sensitivity``; the values are those of JSON."""

    field: str
    before: Any
    after: Any

    def added(self) -> list[Any]:
        """Entries of the new list alone; empty unless both values are lists."""
        return _only(self.after, self.before)

    def removed(self) -> list[Any]:
        """Entries of the old list alone; empty unless both values are lists."""
        return _only(self.before, self.after)


def _only(one: Any, other: Any) -> list[Any]:
    if not isinstance(one, list) or not isinstance(other, list):
        return []
    return [entry for entry in one if entry not in other]


class BrandChange(NamedTuple):
    id: str
    name: str
    fields: tuple[FieldChange, ...]
    """Empty for a published brand that cannot be read, and that the new one replaces."""


class Changes(NamedTuple):
    """Each list is in the order of ids."""

    added: list[Brand]
    changed: list[BrandChange]
    removed: list[str]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def changes_of(
    published: Mapping[str, Brand | None], brands: Sequence[Brand], *, keep_others: bool = False
) -> Changes:
    """What publishing ``brands`` would change; a published brand that is unreadable is None."""
    wanted = {brand.id: brand for brand in sorted(brands, key=lambda brand: brand.id)}
    changed = []
    for name, brand in wanted.items():
        if name in published:
            before = published[name]
            fields = () if before is None else tuple(_changed_fields(before, brand))
            if fields or before is None:
                changed.append(BrandChange(name, brand.name, fields))
    added = [brand for name, brand in wanted.items() if name not in published]
    removed = [] if keep_others else sorted(published.keys() - wanted.keys())
    return Changes(added, changed, removed, len(wanted) - len(added) - len(changed))


def _changed_fields(before: Brand, after: Brand) -> Iterator[FieldChange]:
    old, new = dict(_values(before)), dict(_values(after))
    for field, value in new.items():
        if old[field] != value:
            yield FieldChange(field, old[field], value)


def _values(brand: Brand) -> Iterable[tuple[str, Any]]:
    """Every field with its value, those of a nested message with a dotted name."""
    for field in msgspec.structs.fields(type(brand)):
        value = getattr(brand, field.name)
        if isinstance(value, msgspec.Struct):
            for inner in msgspec.structs.fields(type(value)):
                inner_value = getattr(value, inner.name)
                yield f"{field.name}.{inner.name}", msgspec.to_builtins(inner_value)
        else:
            yield field.name, msgspec.to_builtins(value)
