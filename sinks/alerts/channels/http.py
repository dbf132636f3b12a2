"""HTTP POST to addresses that a person configured: no redirects, no surprises.

==========================  =====================================================
answer                      what is said
==========================  =====================================================
2xx                         taken
408, 425, 429, 5xx          :class:`Busy`; ``Retry-After`` is kept to
no connection, no answer    :class:`Busy`
3xx                         :class:`Refused`: a redirect may lead anywhere
other 4xx                   :class:`Refused`
==========================  =====================================================

Where private addresses are not allowed, the host is resolved here, all its addresses are looked
at, and the connection is made to one that was: a name that changes in between leads nowhere else.
Proxies of the environment are not used.
"""

import contextlib
import email.utils
import http.client
import ipaddress
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from schemas.errors import ConfigurationError
from sinks.alerts.channels.base import Busy, Refused

_TRANSIENT = (408, 425, 429)
_HEADERS = {"User-Agent": "tocsin", "Content-Type": "application/json"}
_MAX_SHOWN = 200
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to post. ``url`` may be a secret, and so may parts of headers: they are not shown."""

    url: str = field(repr=False)
    allow_private: bool
    timeout_s: float
    context: ssl.SSLContext | None = None
    secrets: Sequence[str] = field(default=(), repr=False)

    @property
    def host(self) -> str:
        """All of the address that may be shown."""
        return urlsplit(self.url).hostname or ""


def checked(address: Address, channel: str) -> Address:
    """The address, or a sentence about what is wrong with it."""
    try:
        parts = urlsplit(address.url)
        parts.port  # noqa: B018  (raises where it is no port)
    except ValueError:
        raise ConfigurationError(f"channel {channel}: its url is none") from None
    plain = parts.scheme == "http" and address.allow_private
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise ConfigurationError(
            f"channel {channel}: its url must begin with https:// and name a host (http:// only "
            "where TOCSIN_ALERTS_ALLOW_PRIVATE is true)"
        )
    if parts.username is not None or not address.url.isascii() or any(map(_odd, address.url)):
        raise ConfigurationError(
            f"channel {channel}: its url must hold no user, no spaces and ASCII alone"
        )
    if not address.allow_private:
        # A name that cannot be resolved now may be later.
        with contextlib.suppress(Busy):
            try:
                _public(parts.hostname, parts.port or 443)
            except Refused as refused:
                raise ConfigurationError(f"channel {channel}: {refused.why}") from None
    return address


def _odd(character: str) -> bool:
    return character <= " " or character == "\x7f"


def tls_context(ca_certs: Path | None, channel: str) -> ssl.SSLContext:
    """A context that verifies certificates, by authorities of one's own where given."""
    try:
        return ssl.create_default_context(cafile=None if ca_certs is None else str(ca_certs))
    except OSError as error:
        raise ConfigurationError(
            f"channel {channel}: ca_certs {ca_certs} cannot be read ({error})"
        ) from None


def post(address: Address, body: bytes, headers: Mapping[str, str]) -> None:
    """One attempt to post ``body``; returns when it was taken."""
    parts = urlsplit(address.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _connection(address, parts.scheme, parts.hostname or "", parts.port)
    try:
        connection.request("POST", path, body, {**_HEADERS, **headers})
        response = connection.getresponse()
        said = response.read(4 * _MAX_SHOWN)
    except (OSError, http.client.HTTPException) as error:
        why = f"{address.host} does not answer ({type(error).__name__}: {error})"
        raise Busy(_hidden(why, address), "connection") from None
    finally:
        connection.close()
    _judge(address, response, said)


def _judge(address: Address, response: http.client.HTTPResponse, said: bytes) -> None:
    status = response.status
    if 200 <= status < 300:
        return
    text = " ".join(said.decode("utf-8", "replace").split())[:_MAX_SHOWN]
    why = _hidden(f"{address.host} answered {status}" + (f": {text}" if text else ""), address)
    if status in _TRANSIENT or status >= 500:
        raise Busy(why, f"status_{status}", retry_after(response.headers.get("Retry-After")))
    if 300 <= status < 400:
        why += " (redirects are not followed: configure the address that it leads to)"
    raise Refused(why)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that the header asks to wait for, or None."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        then = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - (now or datetime.now(UTC))).total_seconds())


def _hidden(text: str, address: Address) -> str:
    """The text without what must not be shown: a server may repeat what it was sent."""
    parts = urlsplit(address.url)
    pieces = re.split(r"[/?&=]", f"{parts.path}?{parts.query}")
    secrets = [*address.secrets, address.url, *(piece for piece in pieces if len(piece) >= 8)]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


# --- connecting ------------------------------------------------------------------------------


def _connection(
    address: Address, scheme: str, host: str, port: int | None
) -> http.client.HTTPConnection:
    if scheme == "http":
        connection = http.client.HTTPConnection(host, port, timeout=address.timeout_s)
    else:
        connection = http.client.HTTPSConnection(
            host, port, timeout=address.timeout_s, context=address.context
        )
    if not address.allow_private:
        # The place where http.client opens its socket; TLS and Host stay with the name.
        connection._create_connection = _to_public  # type: ignore[attr-defined]
    return connection


def _to_public(
    where: tuple[str, int], timeout: float | None, source: tuple[str, int] | None = None
) -> socket.socket:
    error: OSError = OSError(f"{where[0]} has no address")
    for ip in _public(*where):
        try:
            return socket.create_connection((ip, where[1]), timeout, source)
        except OSError as refused:
            error = refused
    raise error


def _public(host: str, port: int) -> list[str]:
    """The addresses of ``host``; :class:`Refused` if one of them is inside some network."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Busy(f"{host} cannot be resolved ({error})", "connection") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        if not is_public(text):
            raise Refused(
                f"{host} leads to {text}, which is no public address; set "
                "TOCSIN_ALERTS_ALLOW_PRIVATE=true if that is meant"
            )
    return addresses


def is_public(text: str) -> bool:
    """Whether an address is one of the open internet, also where IPv6 wraps an IPv4 address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            inner = address.teredo[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast
