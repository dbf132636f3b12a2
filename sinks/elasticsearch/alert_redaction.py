"""Takes an author out of the evidence of alerts. Pure, on the documents of the index.

The evidence names an author by a hash (``schemas.ids.author_hash``), and by ids and URLs of posts,
which on some platforms hold the account's id.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from schemas.types import JsonObject

NOBODY = "none"
"""The value of ``authors`` in an alert whose evidence names nobody."""

MIN_NAME = 8
"""Letters of an account id that is looked for within ids and URLs; a shorter one is in anything."""


def account_ids(ids: Iterable[str]) -> list[str]:
    """The account ids that are long enough to be looked for within other text."""
    return [id_ for id_ in ids if len(id_) >= MIN_NAME]


def authors_in(alert: JsonObject) -> list[str]:
    """The hashes of the authors in the evidence, for the field ``authors``."""
    evidence = alert.get("evidence") or {}
    named = {post.get("author") for post in evidence.get("shown") or ()}
    named |= {carrier.get("author") for carrier in evidence.get("carriers") or ()}
    return sorted(author for author in named if author) or [NOBODY]


def redacted(
    alert: JsonObject, hashes: Collection[str], ids: Collection[str] = ()
) -> JsonObject | None:
    """The document without the authors; None if it does not name them.

    ``ids``: account ids, whose posts are found by their ids and URLs, too.
    """
    evidence = alert.get("evidence") or {}
    folded = [id_.casefold() for id_ in ids if id_]

    def is_theirs(entry: Any) -> bool:
        return entry.get("author") in hashes or _names(entry, folded)

    cleaned = {
        name: [entry for entry in entries if not is_theirs(entry)]
        if name in ("shown", "carriers", "lifted", "lifted_entities")
        else entries
        for name, entries in evidence.items()
    }
    changed = {**alert, "evidence": cleaned}
    if "signals" in alert:
        changed["signals"] = [_without_subject(signal, folded) for signal in alert["signals"]]
    if "states" in alert:
        changed["states"] = [
            {**state, "signals": [_without_subject(s, folded) for s in state.get("signals") or ()]}
            if state.get("signals")
            else state
            for state in alert["states"]
        ]
    if changed == alert:
        return None
    return {**changed, "authors": authors_in(changed)}


def _without_subject(signal: JsonObject, folded: Collection[str]) -> JsonObject:
    if not _names({"about": signal.get("about")}, folded):
        return signal
    return {name: value for name, value in signal.items() if name != "about"}


def _names(entry: JsonObject, folded: Collection[str]) -> bool:
    return any(id_ in text for text in _texts(entry) for id_ in folded)


def _texts(entry: JsonObject) -> Iterator[str]:
    """What an entry of the evidence holds besides numbers, without case."""
    return (value.casefold() for value in entry.values() if isinstance(value, str))
