"""Says in plain words what is wrong in a file that a person wrote: msgspec's and YAML's errors."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import inspect
from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode, YAMLError
from yaml.reader import ReaderError

from text.spelling import did_you_mean

_KINDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a map of names to values",
    "datetime": "a time",
    "date": "a date",
    "null": "empty",
}
_LIMITS: Final = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}
_TIME: Final = "must be a time with its zone, such as 2026-03-01T12:00:00Z"
_ID_RULE: Final = "lower-case letters, digits, - and _, and begin with a letter or a digit"
PATTERNS: Final = {
    r"^[a-z0-9][a-z0-9_-]{0,63}$": f"must have at most 64 {_ID_RULE}",
    r"^[a-z0-9][a-z0-9_-]{0,31}$": f"must have at most 32 {_ID_RULE}",
    r"^[a-zA-Z_][a-zA-Z0-9_]*$": "must have only letters, digits and _, and begin with no digit",
    r"^[^\s@<>,;:\"\\]+@[^\s@<>,;:\"\\]+$": "must be a mail address, such as desk@example.org",
}
"""The patterns of the files' fields, as a rule for people."""

_MISSING: Final = re.compile(r"Object missing required field `(.+)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.+)`")
_TYPE: Final = re.compile(r"Expected `(.+)`, got `(.+)`")
_LENGTH: Final = re.compile(r"Expected `(\w+)` of length (>=|<=) (\d+)")
_BOUND: Final = re.compile(r"Expected `\w+` (>=|<=|>|<) ([\d.e+-]+)")
_PATTERN: Final = re.compile(r"Expected `str` matching regex (.*)", re.DOTALL)
_VALUE: Final = re.compile(r"Invalid (?:enum )?value (.+)", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def field_error(error: msgspec.ValidationError, type_: Any, whole: str = "it") -> str:
    """The error of a value that should be a ``type_``; ``whole`` names the value itself."""
    what, _, where = str(error).partition(" - at `")
    scope, subject = _place(where.rstrip("`"), whole)
    if match := _MISSING.fullmatch(what):
        return f"{_within(where, whole)}{match[1]} is missing"
    if match := _UNKNOWN.fullmatch(what):
        # Of a union: the field may be one of another kind.
        names = sorted(_names(inspect.type_info(type_)) - {match[1]})
        return (
            f"{_within(where, whole)}there is no field {match[1]}; {did_you_mean(match[1], names)}"
        )
    return f"{scope}{subject} {_fault(what, type_, subject.rpartition('.')[2])}"


def _place(where: str, whole: str) -> tuple[str, str]:
    """For ``$.examples[0].text``: ``entry 1 of examples: ``, and ``text``."""
    is_key, path = where.startswith("key` in `"), where.removeprefix("key` in `")
    scope, subject = "", ""
    for name, index in _STEP.findall(path.removeprefix("$")):
        if name and subject.startswith(("entry ", "a value ")):
            scope, subject = f"{scope}{subject}: ", name
        elif name:
            subject = f"{subject}.{name}" if subject else name
        elif index == "...":
            subject = f"a value of {subject or whole}"
        else:
            subject = f"entry {int(index) + 1} of {subject or whole}"
    subject = subject or whole
    return scope, f"a key of {subject}" if is_key else subject


def _within(where: str, whole: str) -> str:
    """The object at ``where``, to put before what it lacks."""
    scope, subject = _place(where.rstrip("`"), whole)
    return "" if subject == whole else f"{scope}{subject}: "


def _fault(what: str, type_: Any, field: str) -> str:
    if match := _TYPE.fullmatch(what):
        return _wrong_type(match[1].split(" | "), match[2])
    if match := _LENGTH.fullmatch(what):
        unit = "characters" if match[1] == "str" else "entries"
        empty = match[2] == ">=" and match[3] == "1"
        return "must not be empty" if empty else f"must have {_LIMITS[match[2]]} {match[3]} {unit}"
    if match := _BOUND.fullmatch(what):
        return f"must be {_LIMITS[match[1]]} {float(match[2]):g}"
    if match := _PATTERN.fullmatch(what):
        pattern = ast.literal_eval(match[1])
        return PATTERNS.get(pattern, f"must match the pattern {pattern}")
    if match := _VALUE.fullmatch(what):
        values = ", ".join(sorted(_values(inspect.type_info(type_), field)))
        return f"cannot be {match[1]}" + (f"; choose from {values}" if values else "")
    return _TIME if "datetime" in what else f"is wrong: {what.replace('`', '')}"


def _wrong_type(wanted: list[str], given: str) -> str:
    kinds = [kind for kind in wanted if kind != "null"]
    expected = " or ".join(_KINDS.get(kind, kind) for kind in kinds)
    if kinds == ["int"] and given == "float":
        return f"must be {expected}"
    if kinds == ["datetime"]:
        return _TIME
    hint = ""
    if "str" in kinds and given not in ("array", "object", "null"):
        hint = "; put it in quotes"
    elif "array" in kinds and given == "str":
        hint = "; write it as [one, two]"
    return f"must be {expected}, and is {_KINDS.get(given, given)}{hint}"


def _below(type_: inspect.Type) -> Iterator[inspect.Type]:
    """The type and those that it is made of."""
    yield type_
    parts: tuple[inspect.Type, ...] = ()
    match type_:
        case inspect.StructType(fields=fields):
            parts = tuple(field.type for field in fields)
        case inspect.UnionType(types=types):
            parts = types
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            parts = (item,)
        case inspect.DictType(key_type=key, value_type=value):
            parts = (key, value)
        case inspect.Metadata(type=inner):
            parts = (inner,)
    for part in parts:
        yield from _below(part)


def _names(type_: inspect.Type) -> set[str]:
    structs = [part for part in _below(type_) if isinstance(part, inspect.StructType)]
    tags = {str(struct.tag_field) for struct in structs if struct.tag_field is not None}
    return tags | {field.encode_name for struct in structs for field in struct.fields}


def _values(type_: inspect.Type, name: str) -> set[str]:
    """What a field of this name may hold, if it is a choice."""
    structs = [part for part in _below(type_) if isinstance(part, inspect.StructType)]
    fields = [field.type for struct in structs for field in struct.fields
              if field.encode_name == name]  # fmt: skip
    tags = {str(struct.tag) for struct in structs if struct.tag_field == name}
    literals = (part for field in fields for part in _below(field))
    return tags.union(
        *(map(str, part.values) for part in literals if isinstance(part, inspect.LiteralType))
    )


class UnknownField(NamedTuple):
    path: str
    """Dotted, with the unknown name at its end."""
    hint: str


def unknown_field(raw: object, type_: Any) -> UnknownField | None:
    """The first name in ``raw`` that the structs of ``type_`` do not know, at any level.

    For types of messages, which ignore unknown fields so that an older reader reads a newer
    message. In a file that a person wrote, such a name is a spelling mistake.
    """
    return next(_unknown(raw, inspect.type_info(type_), ""), None)


def _unknown(raw: object, type_: inspect.Type, path: str) -> Iterator[UnknownField]:
    match type_:
        case inspect.Metadata(type=inner):
            yield from _unknown(raw, inner, path)
        case inspect.StructType(fields=fields) if isinstance(raw, Mapping):
            known = {field.encode_name: field.type for field in fields}
            for name, value in raw.items():
                here = f"{path}.{name}" if path else str(name)
                if name not in known:
                    yield UnknownField(here, did_you_mean(str(name), known))
                else:
                    yield from _unknown(value, known[name], here)
        case inspect.ListType(item_type=item) if isinstance(raw, list):
            for entry in raw:
                yield from _unknown(entry, item, path)


_YAML_FAULTS: Final = (
    ("mapping values are not allowed", "a colon stands inside a value; put the value in quotes"),
    ("did not find expected '-' indicator", "it is not indented as the list that it belongs to"),
    ("did not find expected key", "it is not indented as the fields above, or a quote is missing"),
    ("did not find expected node content", "a value is missing, or a bracket is not closed"),
    ("did not find expected ',' or ']'", "a comma or ] is missing"),
    ("did not find expected ',' or '}'", "a comma or } is missing"),
    ("could not find expected ':'", "a colon is missing after the name"),
    ("a tab character", "indent with spaces, not with tabs"),
    ("cannot start any token", "indent with spaces, not with tabs, and put signs in quotes"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("undefined alias", "a value that begins with * must be in quotes"),
    ("could not determine a constructor", "a value that begins with ! must be in quotes"),
    ("but found another document", "a file is one document; take out the line ---"),
    ("control characters are not allowed", "there is a control character; take it out"),
    ("UTF-8", "the text is not in UTF-8; save the file as UTF-8"),
    ("unhashable key", "a list or a map cannot be a name; put it in quotes"),
)


def yaml_error(error: YAMLError | ValueError | RecursionError, data: bytes) -> str:
    """``at line 3, column 5: ...``; ``data`` is the file."""
    if isinstance(error, ReaderError):
        before = data[: error.position].decode("utf-8", "replace")
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        return f"at line {line + 1}, column {column + 1}: {_yaml_fault(str(error.reason))}"
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        line, column = error.problem_mark.line, error.problem_mark.column
        fault = _yaml_fault(error.problem or "")
        if line >= len(data.splitlines()):
            return f"at its end: {fault}"
        return f"at line {line + 1}, column {column + 1}: {fault}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return _yaml_fault(str(error))


def _yaml_fault(problem: str) -> str:
    words = (fault for known, fault in _YAML_FAULTS if known in problem)
    return next(words, " ".join(problem.split()))


def repeated_name(node: Node | None) -> tuple[str, int] | None:
    """A name that stands twice in one map, of which YAML keeps the last, and its line from 1."""
    waiting = [node] if node is not None else []
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, SequenceNode):
            waiting += current.value
        elif isinstance(current, MappingNode):
            names: set[str] = set()
            for key, value in current.value:
                waiting.append(value)
                if not isinstance(key, ScalarNode) or key.value == "<<":
                    continue
                if key.value in names:
                    return key.value, key.start_mark.line + 1
                names.add(key.value)
    return None


def known_time_zone(name: str) -> str:
    """The name of a time zone; raises ``ValueError`` for an unknown one."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError("must be a known time zone, such as Europe/Paris") from None
    return name
