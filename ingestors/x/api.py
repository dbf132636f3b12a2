"""X's API v2 over HTTPS, through Tweepy: the rules of the project, and the response of the stream.

Two methods of Tweepy are replaced. ``_connect`` sleeps without a way to wake it, restarts its
back-off at every connection, ignores ``x-rate-limit-reset``, and has callbacks without
backpressure. ``request`` has a fixed host and no time-out, and logs the token at DEBUG. The token
must never be in a log or in an error.
"""

import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from ingestors.coerce import as_mapping, as_mappings, as_string, parse
from ingestors.source import SourceError
from ingestors.x.posts import SOURCE, explanation, native_id
from ingestors.x.rules import Rule, reconcile
from runtime.logs import get_logger

try:
    import requests
    import tweepy
    from requests.adapters import HTTPAdapter
    from requests.auth import AuthBase
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError as error:
    raise SourceError(f"X needs {error.name}; install it with: pip install 'tocsin[x]'") from None

PARAMETERS: Mapping[str, list[str]] = {
    "expansions": [
        "author_id",
        "referenced_tweets.id",
        "referenced_tweets.id.author_id",
        "attachments.media_keys",
        "geo.place_id",
        "in_reply_to_user_id",
        "edit_history_tweet_ids",
    ],
    "tweet_fields": [
        "attachments",
        "author_id",
        "conversation_id",
        "created_at",
        "edit_history_tweet_ids",
        "entities",
        "geo",
        "in_reply_to_user_id",
        "lang",
        "note_tweet",
        "public_metrics",
        "referenced_tweets",
    ],
    "user_fields": ["created_at", "name", "public_metrics", "username", "verified"],
    "media_fields": ["alt_text", "preview_image_url", "type", "url"],
    "place_fields": ["country_code", "full_name"],
}
"""Expansions and fields that :mod:`ingestors.x.posts` maps."""

log = get_logger("ingest")


class HTTPError(Exception):
    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        body = next(response.iter_content(65_536), b"")
        try:
            parsed = parse(body)
        except (ValueError, RecursionError):
            parsed = None
        self.about_backfill = b"backfill" in body
        self.explanation = explanation(parsed) or response.reason or "no reason given"
        reset = response.headers.get("x-rate-limit-reset", "")
        self.reset_at = int(reset) if reset.isascii() and reset.isdigit() else None
        super().__init__(f"HTTP {self.status}: {self.explanation}")

    @property
    def advice(self) -> str:
        """What a person must do, for an error that waiting does not fix."""
        problem = f"X answers {self.status} ({self.explanation})"
        if self.status == 401:
            return f"{problem}: TOCSIN_INGEST_X_BEARER_TOKEN is not a valid app-only Bearer token"
        if self.status == 403:
            return (
                f"{problem}: the token in TOCSIN_INGEST_X_BEARER_TOKEN must belong to an app in a "
                "project whose plan has the filtered stream"
            )
        return f"{problem}: check that TOCSIN_INGEST_X_URL is the address of the X API"


class _Bearer(AuthBase):
    """Sets the header per request; as ``auth``, it has precedence over a netrc file."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class CuttableAdapter(HTTPAdapter):
    """Remembers the connections that it opens, so that another thread can cut them.

    The time-outs of requests count between two bytes, so a server that sends a byte now and then is
    never too late. Whoever watches the total time cuts the connection; its reader gets an error.
    """

    def __init__(self) -> None:
        self._open: WeakSet[HTTPConnection] = WeakSet()
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        opened = self._open

        class Plain(HTTPConnection):
            def connect(self) -> None:
                opened.add(self)
                super().connect()

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                opened.add(self)
                super().connect()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def cut(self) -> None:
        """End all connections; whoever reads one gets an error."""
        for connection in list(self._open):
            open_socket = connection.sock
            if open_socket is not None:
                with suppress(OSError):
                    # Not that of TLS, which would take its state from under the reader.
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


class Client(tweepy.StreamingClient):  # type: ignore[misc]
    """Tweepy's client with our host and time-outs, and without the token in logs."""

    def __init__(self, token: str, url: str, timeouts: tuple[float, float]) -> None:
        super().__init__(None, return_type=dict)
        self._bearer = _Bearer(token)
        self._url = url.rstrip("/")
        self._timeouts = timeouts
        self._adapter = CuttableAdapter()
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, self._adapter)
        self._busy_since: float | None = None
        self.response: requests.Response | None = None

    def cut_if_late(self) -> bool:
        """End a request without an answer within both time-outs, however slowly it comes."""
        since = self._busy_since
        late = since is not None and time.monotonic() - since > sum(self._timeouts)
        if late:
            self.cut()
        return late

    def cut(self) -> None:
        """End every connection; for any thread."""
        self._adapter.cut()

    def request(
        self, method: str, route: str, user_auth: bool = False, **options: Any
    ) -> requests.Response:
        """Send any request of Tweepy's; :class:`HTTPError` unless 2xx."""
        self._busy_since = time.monotonic()
        try:
            return self._request(method, route, **options)
        finally:
            self._busy_since = None

    def _request(self, method: str, route: str, **options: Any) -> requests.Response:
        response: requests.Response = self.session.request(
            method,
            self._url + route,
            auth=self._bearer,
            headers={"User-Agent": "tocsin"},
            timeout=self._timeouts,
            allow_redirects=False,
            **options,
        )
        if not 200 <= response.status_code < 300:
            with response:
                raise HTTPError(response)
        return response

    def _connect(self, method: str, endpoint: str, params: Any = None) -> None:
        """Connect once; called by Tweepy's ``filter``, whose caller reads ``response``."""
        route = f"/2/tweets/{endpoint}/stream"
        self.response = self.request(method, route, params=params, stream=True)

    def rules(self) -> list[Rule]:
        return [
            Rule(
                value=str(rule.get("value")),
                tag=as_string(rule.get("tag")),
                id=native_id(rule.get("id")),
            )
            for rule in as_mappings(as_mapping(self.get_rules()).get("data"))
        ]

    def add(self, rules: Sequence[Rule], *, dry_run: bool) -> None:
        """Add rules; :class:`SourceError` with X's explanation for a rule that it refuses."""
        tweepy_rules = [tweepy.StreamRule(value=rule.value, tag=rule.tag) for rule in rules]
        options = {"dry_run": "true"} if dry_run else {}  # Tweepy would send a bool as "True"
        answer = as_mapping(self.add_rules(tweepy_rules, **options))
        for problem in as_mappings(answer.get("errors")):
            if str(problem.get("type") or "").endswith("/duplicate-rules"):
                continue  # added meanwhile by another client
            tag = next((rule.tag for rule in rules if rule.value == problem.get("value")), None)
            raise SourceError(
                f"X refuses the rule {tag or '?'} ({problem.get('value')!r}): "
                f"{explanation(problem) or 'no reason given'}; change that brand's names "
                "or handles, or the number of brands"
            )

    def reconcile(self, wanted: Sequence[Rule], max_rules: int | None = None) -> None:
        """Make the project's rules the wanted ones; send only differences.

        A dry run finds invalid rules before anything is deleted. Rules are deleted before others
        are added, as a plan limits their number; if X then refuses, they are added again. The
        stream may be connected meanwhile. ``max_rules``: the plan's, if it is known.
        """
        existing = self.rules()
        to_add, to_delete = reconcile(wanted, existing)
        count = len(existing) - len(to_delete) + len(to_add)
        if to_add and max_rules is not None and count > max_rules:
            raise SourceError(
                f"the brands need {count} rules with those of others, and the plan has {max_rules} "
                "(TOCSIN_INGEST_X_MAX_RULES); remove brands, or shorten their queries"
            )
        if to_add:
            self.add(to_add, dry_run=True)
        if to_delete:
            self.delete_rules(to_delete)
        if to_add:
            try:
                self.add(to_add, dry_run=False)
            except (SourceError, HTTPError):
                lost = [rule for rule in existing if rule.id in to_delete]
                if lost:
                    self.add(lost, dry_run=False)
                raise
        if to_add or to_delete:
            log.info("rules reconciled", source=SOURCE, added=len(to_add), deleted=len(to_delete))
