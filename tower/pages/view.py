"""What a page is about: its parameters, and the addresses of everything that a click leads to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from tower.pages.vocabulary import LANGUAGES, Words
from tower.questions.question import Ask
from tower.questions.scope import is_live, with_clause
from tower.security.users import Person

KEPT: Final = ("q", "last", "since", "until", "tz", "lang")
"""The parameters that every link keeps."""
RANGES: Final = ("1h", "16h", "24h", "7d")


@dataclass(frozen=True)
class Tab:
    """A query above the live posts; ``own``: the person saved it."""

    name: str
    query: str
    on: bool
    own: bool = False


@dataclass(frozen=True)
class View:
    """``params``: the page's parameters as they came, only those of ``KEPT``."""

    page: str
    path: str
    params: Mapping[str, str]
    ask: Ask
    words: Words
    person: Person
    now: datetime
    extra: Mapping[str, str]
    """Parameters of this page alone, such as the order of the wall."""
    since: datetime | None = None
    until: datetime | None = None
    brand: str | None = None
    """The brand that the query asks for, if it asks for one."""
    clicks: str | None = None
    """Where a click on a value leads, if not to this page."""
    inner: Ask | None = None
    """The alert's own time, on the page of an alert."""
    tabs: Sequence[Tab] = ()
    origin: str = ""
    """Scheme and host that the browser used."""
    kibana: str | None = None
    """The mentions of this view in Kibana, where it has an address and can say the query."""
    theme: str = ""
    """light, dark, or empty: as the system has it."""
    languages: tuple[str, ...] = LANGUAGES

    @property
    def live(self) -> bool:
        """Whether the window moves."""
        return is_live(self.ask)

    def link(self, path: str | None = None, **changes: str | None) -> str:
        """The address of a page with these parameters changed; None takes one out."""
        params = {name: self.params[name] for name in KEPT if self.params.get(name)}
        if path is None:
            params |= {name: value for name, value in self.extra.items() if name != "queries"}
        for name, value in changes.items():
            if value:
                params[name] = value
            else:
                params.pop(name, None)
        query = urlencode(params, quote_via=quote)
        target = self.path if path is None else path
        return f"{target}?{query}" if query else target

    def clause(self, clause: str | None, path: str | None = None) -> str | None:
        """The address with the clause in the query, or out of it if it is there."""
        if clause is None:
            return None
        return self.link(path or self.clicks, q=with_clause(self.ask.q, clause))

    def has(self, clause: str | None) -> bool:
        """Whether a click takes the clause out."""
        return clause is not None and len(with_clause(self.ask.q, clause)) < len(self.ask.q)

    def window(self, last: str) -> str:
        return self.link(None, last=last, since=None, until=None)

    def moment(self, since: datetime, until: datetime, path: str | None = None) -> str:
        """The address of a fixed window."""
        return self.link(path, last=None, since=utc_text(since), until=utc_text(until))

    def api(self, question: str, kind: str = "", **params: object) -> str:
        """The address of a question's answer; ``kind``: ``.csv`` or nothing for JSON."""
        given = {name: self.params[name] for name in KEPT[:-1] if self.params.get(name)}
        given |= {name: str(value) for name, value in params.items() if value is not None}
        query = urlencode(given, quote_via=quote)
        return f"/api/v1/{question}{kind}" + (f"?{query}" if query else "")


def utc_text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
