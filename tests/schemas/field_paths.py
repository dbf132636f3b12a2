"""The fields of a message, however deep, as the dotted paths that its JSON has."""

from collections.abc import Iterator

from msgspec import inspect


def field_paths(type_: type) -> set[str]:
    """Paths of all fields; lists are looked through, objects with free keys are not."""
    return set(_paths(inspect.type_info(type_), ""))


def _paths(info: inspect.Type, path: str) -> Iterator[str]:
    if isinstance(info, inspect.Metadata):
        yield from _paths(info.type, path)
    elif isinstance(info, inspect.UnionType):
        for option in info.types:
            yield from _paths(option, path)
    elif isinstance(info, inspect.ListType):
        yield from _paths(info.item_type, path)
    elif isinstance(info, inspect.StructType):
        for field in info.fields:
            name = f"{path}.{field.encode_name}" if path else field.encode_name
            yield name
            yield from _paths(field.type, name)
