"""Compares two JSON Schemas, and names each change that breaks a reader or a stored message.

Readers ignore unknown fields. Two changes break: a new field without a default, which old messages
lack, and a removed field, which old readers need.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_ANYTHING = "anything"


def incompatibilities(released: Schema, current: Schema) -> list[str]:
    """Sentences, one for each change that breaks a reader or a stored message."""
    return list(_compare(released.get("$defs", {}), _as_before(released, current)))


def _as_before(released: Schema, current: Schema) -> dict[str, Schema]:
    """Today's types; a root that became a tagged union stands under its old name too.

    The union has the JSON of the one type that it was: the fields of all its members, of which
    those that all of them require are required.
    """
    types: dict[str, Schema] = dict(current.get("$defs", {}))
    root = str(released.get("$ref", "")).rpartition("/")[2]
    if not root or root in types or "discriminator" not in current:
        return types
    members = [types[str(one["$ref"]).rpartition("/")[2]] for one in current["anyOf"]]
    tag = current["discriminator"]["propertyName"]
    fields: dict[str, Schema] = {}
    for member in members:
        for name, schema in member["properties"].items():
            if name == tag and name in fields:
                fields[name] = {"enum": [*fields[name]["enum"], *schema["enum"]]}
            else:
                # What only one member has is absent, or null, in the others.
                own = {"anyOf": [schema, {"type": "null"}]}
                shared = all(name in one["properties"] for one in members)
                fields[name] = schema if shared else own
    required = set.intersection(*(set(one["required"]) for one in members))
    return types | {root: {"type": "object", "properties": fields, "required": sorted(required)}}


def _compare(released: dict[str, Schema], current: dict[str, Schema]) -> Iterator[str]:
    for name, old in sorted(released.items()):
        new = current.get(name)
        if new is None:
            yield (
                f"{name} is gone: keep the type until nothing that was written with it is kept, "
                "or bring the topic to a new name"
            )
            continue
        yield from _compare_type(name, old, new)


def _compare_type(name: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for field in sorted(before.keys() - after.keys()):
        yield (
            f"{name}.{field} was removed: old readers may need it; leave it with its default and "
            "stop filling it"
        )
    required = set(new.get("required", ()))
    for field in sorted(required - set(old.get("required", ()))):
        if field in before:
            yield f"{name}.{field} became required: old messages may lack it; give it a default"
        else:
            yield f"{name}.{field} was added without a default: old messages lack it; give it one"
    for field in sorted(before.keys() & after.keys()):
        taken = _types(after[field])
        lost = set() if _ANYTHING in taken else _types(before[field]) - taken
        if lost:
            yield (
                f"{name}.{field} no longer takes {', '.join(sorted(lost))}: old messages hold it; "
                "add a new field instead"
            )


def _types(schema: Schema) -> set[str]:
    """The alternatives that a field takes: JSON types, referenced types, enum values, items."""
    if "anyOf" in schema:
        return set().union(*(_types(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return {f"value {value!r}" for value in schema["enum"]}
    if "$ref" in schema:
        return {schema["$ref"].rpartition("/")[2]}
    if "items" in schema:
        return {f"array of {item}" for item in _types(schema["items"])}
    if isinstance(schema.get("additionalProperties"), dict):
        return {f"object of {value}" for value in _types(schema["additionalProperties"])}
    return {schema.get("type", _ANYTHING)}
