"""Recognises the columns of a file without a mapping, by their names in English and French.

Deterministic: the same header and the same first rows always give the same mapping. Where two
columns could be meant, or a date could be read in two ways, it asks for a mapping instead.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Final

from msgspec import Struct

from ingestors.files.cells import time_of_text
from ingestors.files.loose_json import WRITTEN_TIMES
from ingestors.files.mapping import MappingFile
from ingestors.files.records import DELIMITERS, TableShape, sep_line
from schemas.errors import ConfigurationError
from text.terminal import single_line

_NAMES: Final[dict[str, str]] = {
    "id": "id idstr tweetid postid statusid messageid commentid reviewid mentionid documentid uuid "
    "guid identifiant",
    "text": "text tweet fulltext tweettext posttext message content body post comment review "
    "snippet caption verbatim texte contenu corps commentaire avis",
    "created_at": "createdat date time timestamp datetime created published publishedat postedat "
    "posted postdate postcreated tweetcreated createdtime createddate createdutc datecreated "
    "publishdate publicationdate pubdate dateutc ts at when horodatage datepublication "
    "datecreation dateheure heure publiele creele",
    "author.handle": "authorhandle username user handle screenname author authorusername "
    "userscreenname fromuser account auteur utilisateur pseudo compte",
    "author.name": "authorname displayname userdisplayname fullname pagename nomauteur",
    "author.id": "authorid userid accountid fromuserid",
    "author.followers": "followers followerscount followercount userfollowers userfollowerscount "
    "followersatposting abonnes nombreabonnes",
    "author.verified": "verified userverified verifie",
    "language": "language lang langue",
    "url": "url link permalink tweeturl posturl lien",
    "title": "title headline subject titre objet",
    "place": "place location lieu",
    "country": "country countrycode pays",
    "reply_to": "replyto inreplyto inreplytoid inreplytostatusid inreplytotweetid",
    "repost_of": "repostof retweetof retweetedstatusid retweetedid",
    "quote_of": "quoteof quotedstatusid quotedid",
    "thread": "thread threadid conversation conversationid",
    "community.id": "community communityid subreddit",
    "publisher.name": "publisher publishername outlet editeur",
    "rating.value": "rating ratingvalue stars starrating etoiles",
    "hashtags": "hashtags",
    "mentions": "mentions",
    "metrics.likes": "likes likecount likescount favorites favourites favoritecount nlikes "
    "jaime favoris",
    "metrics.reposts": "reposts retweets shares retweetcount repostcount retweetscount sharecount "
    "nretweets partages",
    "metrics.replies": "replies replycount repliescount nreplies comments commentcount reponses "
    "commentaires",
    "metrics.quotes": "quotes quotecount",
    "metrics.views": "views viewcount impressions vues",
}
_FIELD_OF: Final = {name: field for field, names in _NAMES.items() for name in names.split()}
_ESSENTIAL: Final = ("id", "text", "created_at")
_RIVALS: Final = {"id", "fulltext"}
"""Names beside which another of the same field leaves open which one is meant."""
_HEADER_WITHIN: Final = 30
"""Lines within which the header is looked for."""
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", ", %H:%M", ", %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DAYS_FIRST: Final = tuple(
    f"%d{sep}%m{sep}%{year}{clock}" for sep in "/-." for year in "Yy" for clock in _CLOCKS
)
_MONTHS_FIRST: Final = tuple(how.replace("%d", "%?").replace("%m", "%d").replace("%?", "%m")
                             for how in _DAYS_FIRST if "." not in how)  # fmt: skip
_WORDED: Final = tuple(
    f"{day}{clock}" for day in ("%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%B %d, %Y", "%d %B %Y",
                                "%Y/%m/%d")
    for clock in _CLOCKS
)  # fmt: skip
_EPOCH_FROM: Final = 1e8
"""A smaller number is no time in seconds; Excel counts days so."""
_MILLISECONDS_FROM: Final = 1e11


class Recognised(Struct, frozen=True):
    file: MappingFile
    shape: TableShape
    note: str
    """One line for people: what was read from where."""


def key_of(column: str) -> str:
    """``Created At (UTC)``, ``created_at`` and ``createdAt`` alike, without accents."""
    text = unicodedata.normalize("NFKD", column.partition("(")[0].casefold())
    return re.sub(r"[^a-z0-9]+", "", text)


def recognise_table(lines: Sequence[str], source: str, where: str, shape: TableShape) -> Recognised:
    """The mapping and the shape of a table with these first lines, or a ConfigurationError."""
    written = list(lines)
    sep = sep_line(written)
    best: tuple[tuple[bool, int, int], TableShape, list[str]] | None = None
    for delimiter in (sep,) if sep else DELIMITERS:
        for skip in range(int(sep is not None), min(len(written), _HEADER_WITHIN)):
            tried = TableShape(delimiter, skip_lines=skip, is_padded=shape.is_padded)
            columns = tried.header([*written[: skip + 1]])
            fields = {_FIELD_OF[key_of(name)] for name in columns if key_of(name) in _FIELD_OF}
            score = ("text" in fields and len(columns) > 1, len(fields), -skip)
            if best is None or score > best[0]:
                best = score, tried, columns
    if best is None or not best[0][0]:
        seen = _first_header(written, sep)
        if len(seen) < 2:
            raise ConfigurationError(
                f"{where} is neither JSON nor a table with a header; it begins with "
                f"{single_line(''.join(seen), 60)!r}"
            )
        raise ConfigurationError(
            f"{where} has no column that is known to hold the text; it has {', '.join(seen)}; name "
            "the columns with --mapping (docs/replay.md)"
        )
    _, found, columns = best
    found = _unquoted(found, written)
    rows = list(found.sample(written[found.skip_lines + 1 :]))[:-1] or list(
        found.sample(written[found.skip_lines + 1 :])
    )
    samples = [dict(zip(columns, row, strict=False)) for row in rows if len(row) <= len(columns)]
    file, note = _mapping(columns, samples, source, where, "csv")
    if found.skip_lines > int(sep is not None):
        note += f"; the header is line {found.skip_lines + 1}"
    return Recognised(file, found, note)


def _first_header(lines: list[str], sep: str | None) -> list[str]:
    written = [line for line in lines[int(sep is not None) :] if line.strip()]
    rows = [TableShape(each).header(written) for each in DELIMITERS]
    return max(rows, key=len)[:30]


def _unquoted(shape: TableShape, lines: list[str]) -> TableShape:
    """The shape without quoting, if tabs tell the columns and quotes are part of the texts."""
    if shape.delimiter != "\t":
        return shape
    rows = [line.rstrip("\r\n").split("\t") for line in lines[shape.skip_lines : -1] or lines]
    is_even = len({len(row) for row in rows}) == 1
    opens = any(cell[:1] == '"' and not (len(cell) > 1 and cell[-1] == '"')
                for row in rows for cell in row)  # fmt: skip
    if not (is_even and opens):
        return shape
    return TableShape("\t", is_quoted=False, skip_lines=shape.skip_lines)


def recognise_json(rows: list[dict[str, object]], source: str, where: str) -> MappingFile | None:
    """The mapping of JSON objects that are no bare posts; None if no name of theirs is known."""
    names = list(dict.fromkeys(name for row in rows for name in row if "." not in name))
    if not any(_FIELD_OF.get(key_of(name)) == "text" for name in names):
        return None
    file, _ = _mapping(names, rows, source, where, "jsonl")
    return file


def note_of(file: MappingFile) -> str:
    read = ", ".join(
        f"{field} from {column}"
        for field, column in file.fields.items()
        if field in _ESSENTIAL or key_of(field.rpartition(".")[2]) != key_of(column)
    )
    made = f"; ids are made of {' and '.join(file.id_from)}" if "id" not in file.fields else ""
    return f"read {read}{made}; --mapping sets them"


def _mapping(
    columns: Sequence[str], rows: Sequence[dict[str, object]] | list[dict[str, str]], source: str,
    where: str, format_: str,
) -> tuple[MappingFile, str]:  # fmt: skip
    candidates: dict[str, list[str]] = {}
    for column in columns:
        if field := _FIELD_OF.get(key_of(column)):
            candidates.setdefault(field, []).append(column)
    fields = {
        field: _chosen(field, candidates[field], where) for field in _NAMES if field in candidates
    }
    times = ["rfc3339"]
    if "created_at" in fields:
        name = fields["created_at"]
        times = times_of([row.get(name) for row in rows], name, where) or times
    id_from: list[str] = []
    if "id" not in fields:
        id_from = [fields["url"]] if "url" in fields else [
            fields[name] for name in ("text", "created_at", "author.handle") if name in fields
        ]  # fmt: skip
    file = MappingFile(
        source=source,
        fields=fields,
        format="csv" if format_ == "csv" else "jsonl",
        times=times,
        id_from=id_from,
    )
    return file, note_of(file)


def _chosen(field: str, columns: list[str], where: str) -> str:
    if len(columns) == 1:
        return columns[0]
    exact = [column for column in columns if key_of(column) == key_of(field)]
    keys = {key_of(column) for column in columns}
    if len(exact) == 1 and not (_RIVALS & keys):
        return exact[0]
    if field in _ESSENTIAL:
        raise ConfigurationError(
            f"{where} has several columns that may be the {field}: {', '.join(columns)}; say which "
            "with --mapping (docs/replay.md)"
        )
    return columns[0]


def times_of(values: Iterable[object], column: str, where: str) -> list[str]:
    """The formats in which the values are written; [] without values."""
    texts = list(dict.fromkeys(str(v).strip() for v in values if v not in (None, "")))[:200]
    numbers = [number for text in texts if (number := _number(text)) is not None]
    if numbers and len(numbers) == len(texts):
        return _epoch(numbers, column, where)
    found: list[str] = []
    for how in ("rfc3339", *WRITTEN_TIMES[1:], *_WORDED):
        rest = [text for text in texts if time_of_text(text, how, UTC) is None]
        if len(rest) < len(texts):
            found.append(how)
            texts = rest
    if texts:
        found += _day_and_month(texts, column, where)
    return found


def _number(text: str) -> float | None:
    try:
        is_date = text.isdigit() and len(text) == len("20260131")
        return None if is_date else float(text)
    except ValueError:
        return None


def _epoch(numbers: list[float], column: str, where: str) -> list[str]:
    if min(numbers) < _EPOCH_FROM:
        raise ConfigurationError(
            f"`{column}` of {where} holds numbers such as {numbers[0]:g}, which are no times; "
            "format the column as dates, and export it again"
        )
    return ["epoch_ms" if min(numbers) >= _MILLISECONDS_FROM else "epoch_s"]


def _day_and_month(texts: list[str], column: str, where: str) -> list[str]:
    """Formats of dates such as 03/04/2026; the values have to say whether the day comes first."""
    days, months = _fitting(texts, _DAYS_FIRST), _fitting(texts, _MONTHS_FIRST)
    if not days and not months:
        raise ConfigurationError(
            f"`{column}` of {where} holds {texts[0][:40]!r}, which is no known form of a time; "
            "give it under times in a --mapping (docs/replay.md)"
        )
    by_day = sum(any(time_of_text(text, how, UTC) for how in days) for text in texts)
    by_month = sum(any(time_of_text(text, how, UTC) for how in months) for text in texts)
    if by_day == by_month:
        raise ConfigurationError(
            f"`{column}` of {where} may be day/month or month/day, such as {texts[0][:40]!r}; say "
            f"which under times in a --mapping: [{days[0]!r}] or [{months[0]!r}] (docs/replay.md)"
        )
    return days if by_day > by_month else months


def _fitting(texts: list[str], formats: Iterable[str]) -> list[str]:
    return [how for how in formats if any(time_of_text(text, how, UTC) for text in texts)]
