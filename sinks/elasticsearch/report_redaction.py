"""Takes an author out of a kept report. Pure, on the documents of the index.

A report has no text of a post. It names an author by the hash in ``author``
(``schemas.ids.author_hash``), by the account's id, by ids of posts, which on some platforms hold
the account's id, and perhaps by a counted term. Each of these is an entry of a list, and the entry
goes as a whole.

A report that was asked for with a query about the account is emptied: its counts are the author's.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

from schemas.types import JsonObject
from sinks.elasticsearch.alert_redaction import NOBODY

MAX_DEPTH: Final = 12
"""Levels of lists and objects of a report; ours have fewer."""
_NESTED: Final = ("parameters", "ask")
"""What a report was asked for: no list of authors."""


def authors_of_report(report: JsonObject) -> list[str]:
    """The hashes of the authors in it, for the field ``authors``."""
    return sorted(set(_hashes(report.get("sections"), 0))) or [NOBODY]


def redacted_report(
    report: JsonObject, hashes: Collection[str], ids: Collection[str] = ()
) -> JsonObject | None:
    """The document without the authors; None if it does not name them.

    ``ids``: account ids that are long enough to be looked for within other text.
    """
    folded = [id_.casefold() for id_ in ids if id_]
    if _names(report.get("parameters"), folded, 0):
        changed = {**report, "parameters": {}, "sections": [], "brand": None, "emptied": True}
    else:
        sections = [
            {**section, "answer": _cleaned(section.get("answer"), hashes, folded, 0)}
            for section in report.get("sections") or ()
        ]
        changed = {**report, "sections": sections}
    if changed == report:
        return None
    return {**changed, "authors": authors_of_report(changed)}


def _cleaned(value: Any, hashes: Collection[str], folded: Collection[str], depth: int) -> Any:
    """The value without the entries of lists that are about the authors."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {
            name: _cleaned(each, hashes, folded, depth + 1)
            for name, each in value.items()
            # The subject of a signal is a text of its own, beside numbers that stay.
            if not (name == "about" and _names(each, folded, depth))
        }
    if isinstance(value, list):
        return [
            _cleaned(each, hashes, folded, depth + 1)
            for each in value
            if not _is_theirs(each, hashes, folded)
        ]
    return value


def _is_theirs(entry: Any, hashes: Collection[str], folded: Collection[str]) -> bool:
    if isinstance(entry, str):
        return _names(entry, folded, 0)
    if not isinstance(entry, dict):
        return False
    if entry.get("author") in hashes:
        return True
    own = (each for name, each in entry.items() if isinstance(each, str) and name != "about")
    return any(_names(each, folded, 0) for each in own)


def _names(value: Any, folded: Collection[str], depth: int) -> bool:
    """Whether a text in it has one of the ids, without case."""
    if isinstance(value, str):
        text = value.casefold()
        return any(id_ in text for id_ in folded)
    if depth > MAX_DEPTH:
        return False
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_names(each, folded, depth + 1) for each in inner)


def _hashes(value: Any, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        author = value.get("author")
        if isinstance(author, str) and author:
            yield author
        for name, each in value.items():
            if name not in _NESTED:
                yield from _hashes(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _hashes(each, depth + 1)
