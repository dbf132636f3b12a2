"""HTTP POST to configured addresses, without redirects or proxies of the environment.

==========================  =====================================================
answer                      result
==========================  =====================================================
2xx                         delivered
408, 425, 429, 5xx          :class:`Busy`, with ``Retry-After``
no connection, no answer    :class:`Busy`
3xx                         :class:`Refused`: a redirect may lead anywhere
other 4xx                   :class:`Refused`
==========================  =====================================================

If private addresses are not allowed, the host is resolved and all its addresses are checked here,
and the connection goes to a checked one: a name cannot change its address in between.

An attempt ends with its deadline, whatever the server sends meanwhile (a byte a second, headers or
informational answers for ever): :mod:`runtime.limits.deadline` closes the connection.
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

from runtime.limits.deadline import Deadline, resolve
from schemas.errors import ConfigurationError
from sinks.alerts.channels.base import Busy, Refused, redacted

_TRANSIENT = (408, 425, 429)
_HEADERS = {"User-Agent": "tocsin", "Content-Type": "application/json"}
_MAX_READ = 800
_START_S = 2.0
"""For a look-up before the service serves its health; the next one is that of the first attempt."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to post. ``url`` and ``secrets`` are never shown."""

    url: str = field(repr=False)
    allow_private: bool
    timeout_s: float
    context: ssl.SSLContext | None = None
    secrets: Sequence[str] = field(default=(), repr=False)

    @property
    def host(self) -> str:
        """The only part of the address that may be shown."""
        return urlsplit(self.url).hostname or ""

    def redacted(self, text: bytes | str) -> str:
        """The text without secrets and without long pieces of the address."""
        parts = urlsplit(self.url)
        pieces = re.split(r"[/?&=]", f"{parts.path}?{parts.query}")
        long = (piece for piece in pieces if len(piece) >= 8)
        return redacted(text, [*self.secrets, self.url, *long])


def checked(address: Address, channel: str) -> Address:
    """The address itself; raises :class:`ConfigurationError` if it is wrong."""
    try:
        parts = urlsplit(address.url)
        parts.port  # noqa: B018  (raises if it is not a port)
    except ValueError:
        raise ConfigurationError(f"channel {channel}: its url is not a URL") from None
    plain = parts.scheme == "http" and address.allow_private
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise ConfigurationError(
            f"channel {channel}: its url must begin with https:// and name a host (http:// only "
            "where TOCSIN_ALERTS_ALLOW_PRIVATE is true)"
        )
    if parts.username is not None or not re.fullmatch("[!-~]+", address.url):
        raise ConfigurationError(
            f"channel {channel}: its url must be ASCII, without user and spaces"
        )
    if not address.allow_private:
        # A name without an address may get one later.
        with contextlib.suppress(Busy):
            try:
                _public(parts.hostname, parts.port or 443, min(address.timeout_s, _START_S))
            except Refused as refused:
                raise ConfigurationError(f"channel {channel}: {refused.why}") from None
    return address


def tls_context(ca_certs: Path | None, channel: str) -> ssl.SSLContext:
    """A context that verifies certificates, against ``ca_certs`` if given."""
    try:
        return ssl.create_default_context(cafile=None if ca_certs is None else str(ca_certs))
    except OSError as error:
        raise ConfigurationError(
            f"channel {channel}: ca_certs {ca_certs} cannot be read ({error})"
        ) from None


def post(address: Address, body: bytes, headers: Mapping[str, str]) -> None:
    """Try once to post ``body``, for at most ``timeout_s``; returns if it was accepted."""
    parts = urlsplit(address.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with Deadline(address.timeout_s) as deadline:
        connection = _connection(address, parts.scheme, parts.hostname or "", parts.port, deadline)
        try:
            connection.request("POST", path, body, {**_HEADERS, **headers})
            response = connection.getresponse()
            body = response.read(_MAX_READ)
        except (OSError, http.client.HTTPException) as error:
            raise _no_answer(address, deadline, f"{type(error).__name__}: {error}") from None
        finally:
            connection.close()
        if deadline.passed:
            raise _no_answer(address, deadline, "")
    status = response.status
    if 200 <= status < 300:
        return
    text = address.redacted(body)
    why = f"{address.host} answered {status}" + (f": {text}" if text else "")
    if status in _TRANSIENT or status >= 500:
        raise Busy(why, f"status_{status}", retry_after(response.headers.get("Retry-After")))
    if 300 <= status < 400:
        why += " (redirects are not followed; configure the target address)"
    raise Refused(why)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """The seconds to wait that the header asks for."""
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


def _no_answer(address: Address, deadline: Deadline, why: str) -> Busy:
    if deadline.passed:
        why = f"no complete answer within {deadline.seconds:g} s"
    return Busy(address.redacted(f"{address.host} does not answer ({why})"), "connection")


def _connection(
    address: Address, scheme: str, host: str, port: int | None, deadline: Deadline
) -> http.client.HTTPConnection:
    if scheme == "http":
        connection = http.client.HTTPConnection(host, port, timeout=address.timeout_s)
    else:
        connection = http.client.HTTPSConnection(
            host, port, timeout=address.timeout_s, context=address.context
        )

    def opened(where: tuple[str, int], *_: object) -> socket.socket:
        if address.allow_private:
            return deadline.connect(deadline.resolve(*where), where[1])
        return deadline.connect(_public(*where, deadline.left_s()), where[1])

    # Called by http.client to open the socket; TLS and Host still use the name.
    connection._create_connection = opened  # type: ignore[attr-defined]
    return connection


def _public(host: str, port: int, timeout_s: float) -> list[str]:
    """The addresses of ``host``; raises :class:`Refused` if one of them is not public."""
    try:
        addresses = resolve(host, port, timeout_s)
    except OSError as error:
        raise Busy(str(error), "connection") from None
    for address in addresses:
        if not is_public(address):
            raise Refused(
                f"{host} leads to {address}, which is not a public address; set "
                "TOCSIN_ALERTS_ALLOW_PRIVATE=true to allow it"
            )
    return addresses


def is_public(text: str) -> bool:
    """Whether an address is on the open internet; IPv4 within IPv6 is unwrapped."""
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
