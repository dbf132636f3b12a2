"""No secret leaves over a plain connection, except to this machine or where a setting allows it.

``ROUTES`` lists which settings are secrets and where each goes; tests hold it against the settings.
The secrets of alert channels are in their file, which calls :func:`refuse_plain` itself.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from schemas.errors import ConfigurationError


class Route(NamedTuple):
    """The way of secrets, by names of settings without their prefix."""

    secrets: tuple[str, ...]
    address: str
    """Addresses, comma-separated: URLs, or ``host:port`` where ``protocol`` says what is plain."""
    allowed_by: str
    """Allows plain connections if true."""
    protocol: str | None = None


ROUTES: dict[str, Route] = {
    "TOCSIN_KAFKA_": Route(
        ("sasl_password",), "bootstrap_servers", "allow_plain", "security_protocol"
    ),
    "TOCSIN_ELASTICSEARCH_": Route(("password", "api_key"), "url", "allow_plain"),
    "TOCSIN_INGEST_": Route(("x_bearer_token",), "x_url", "x_allow_plain"),
}
"""Prefix of a group of settings to the way of its secrets."""
CHANNELS_ALLOWED_BY = "TOCSIN_ALERTS_ALLOW_PLAIN"
MAVEN_ALLOWED_BY = "TOCSIN_MAVEN_ALLOW_PLAIN"


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine; a name is never looked up."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_plain(secret: str, hosts: Iterable[str], allowed_by: str, remedy: str) -> None:
    """Raise :class:`ConfigurationError` if a host of these plain connections is another machine.

    ``secret`` and ``allowed_by`` name settings; ``remedy`` says how to encrypt.
    """
    for host in hosts:
        if not is_loopback(host):
            raise ConfigurationError(
                f"{secret} would be sent to {host} over a connection without TLS; {remedy}, or set "
                f"{allowed_by}=true if nobody else can read that network"
            )


def refuse_plain_settings(prefix: str, values: Mapping[str, object]) -> None:
    """:func:`refuse_plain` for a group of settings, by its prefix and its values."""
    route = ROUTES.get(prefix)
    if route is None or values[route.allowed_by]:
        return
    present = [name for name in route.secrets if values[name] is not None]
    if not present:
        return
    addresses = [address.strip() for address in str(values[route.address]).split(",")]
    if route.protocol is None:
        hosts = plain_hosts(addresses)
        remedy = f"begin {prefix}{route.address.upper()} with https://"
    else:
        is_plain = values[route.protocol] == "SASL_PLAINTEXT"  # PLAINTEXT sends no password
        hosts = [address.rpartition(":")[0] or address for address in addresses if is_plain]
        remedy = f"set {prefix}{route.protocol.upper()}=SASL_SSL"
    refuse_plain(
        f"{prefix}{present[0].upper()}", hosts, f"{prefix}{route.allowed_by.upper()}", remedy
    )


def plain_hosts(urls: Iterable[str]) -> list[str]:
    """The hosts of the URLs that do not begin with ``https``; what is no URL is another's fault."""
    hosts = []
    for url in urls:
        try:
            parts = urlsplit(url)
            if parts.scheme != "https" and parts.hostname:
                hosts.append(parts.hostname)
        except ValueError:
            continue
    return hosts
