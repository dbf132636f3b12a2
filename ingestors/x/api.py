"""X's API v2 over HTTPS, through Tweepy: the rules of the project, and the stream's response.

Tweepy serves for the rules (requests, parsing, its exceptions) and for the stream's parameters.
Its ``_connect`` loop is replaced: it sleeps where nobody can wake it, starts its waits anew at
every connection, ignores ``x-rate-limit-reset``, and hands posts to callbacks that have no way to
hold it back. Its ``request`` is replaced too: the host is fixed in it, it knows no time-out, and at
DEBUG it logs the token.

The token is never in a log, nor in an error.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ingestors.coerce import as_mapping, as_mappings, as_string, parse
from ingestors.source import SourceError
from ingestors.x.posts import SOURCE, explanation, native_id
from ingestors.x.rules import Rule, reconcile
from runtime.logs import get_logger

try:
    import requests
    import tweepy
    from requests.auth import AuthBase
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
"""What a post brings along, for :mod:`ingestors.x.posts`."""

log = get_logger("ingest")


class HTTPError(Exception):
    """X answered with something other than 2xx."""

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
        """What a person has to do about it, where waiting does not mend it."""
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
    """Sets the header per request; as ``auth`` it also keeps a netrc file from replacing it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Client(tweepy.StreamingClient):  # type: ignore[misc]
    """Tweepy's client with our own host, time-outs and silence about the token."""

    def __init__(self, token: str, url: str, timeouts: tuple[float, float]) -> None:
        super().__init__(None, return_type=dict)
        self._bearer = _Bearer(token)
        self._url = url.rstrip("/")
        self._timeouts = timeouts
        self.response: requests.Response | None = None

    def request(
        self,
        method: str,
        route: str,
        params: Any = None,
        json: Any = None,
        user_auth: bool = False,
    ) -> requests.Response:
        """What every call of Tweepy's goes through; :class:`HTTPError` unless 2xx."""
        return self._send(method, route, params=params, json=json)

    def _connect(self, method: str, endpoint: str, **kwargs: Any) -> None:
        """One connection; called by Tweepy's ``filter``. Whoever called that reads it."""
        route = f"/2/tweets/{endpoint}/stream"
        self.response = self._send(method, route, params=kwargs.get("params"), stream=True)

    def _send(self, method: str, route: str, **rest: Any) -> requests.Response:
        response: requests.Response = self.session.request(
            method,
            self._url + route,
            auth=self._bearer,
            headers={"User-Agent": "tocsin"},
            timeout=self._timeouts,
            allow_redirects=False,
            **rest,
        )
        if not 200 <= response.status_code < 300:
            with response:
                raise HTTPError(response)
        return response

    # --- rules ---

    def rules(self) -> list[Rule]:
        """The project's rules, ours and others'."""
        return [
            Rule(
                value=str(rule.get("value")),
                tag=as_string(rule.get("tag")),
                id=native_id(rule.get("id")),
            )
            for rule in as_mappings(as_mapping(self.get_rules()).get("data"))
        ]

    def add(self, rules: Sequence[Rule], *, dry_run: bool) -> None:
        """Add rules; :class:`SourceError` with X's words for those that it does not take."""
        made = [tweepy.StreamRule(value=rule.value, tag=rule.tag) for rule in rules]
        # Tweepy would send a bool as Python spells it.
        answer = as_mapping(self.add_rules(made, **({"dry_run": "true"} if dry_run else {})))
        for problem in as_mappings(answer.get("errors")):
            if str(problem.get("type") or "").endswith("/duplicate-rules"):
                continue  # somebody was quicker; the posts come all the same
            tag = next((rule.tag for rule in rules if rule.value == problem.get("value")), None)
            raise SourceError(
                f"X does not take the rule {tag or '?'} ({problem.get('value')!r}): "
                f"{explanation(problem) or 'no reason given'}; change that brand's names "
                "or handles, or the number of brands"
            )

    def reconcile(self, wanted: Sequence[Rule]) -> None:
        """Make the project's rules the wanted ones; nothing is sent where they already are.

        What is wrong is found by a dry run, before anything is deleted; deleting comes before
        adding, as a plan allows only so many rules. Nothing is streamed meanwhile.
        """
        to_add, to_delete = reconcile(wanted, self.rules())
        if to_add:
            self.add(to_add, dry_run=True)
        if to_delete:
            self.delete_rules(to_delete)
        if to_add:
            self.add(to_add, dry_run=False)
        if to_add or to_delete:
            log.info("rules reconciled", source=SOURCE, added=len(to_add), deleted=len(to_delete))
