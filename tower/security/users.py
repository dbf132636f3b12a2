"""Accounts: the users file, its passwords and tokens, and roles.

The file is YAML::

    users:
      - name: ana
        role: desk                      # reader, desk or admin
        password: scrypt:...            # written by `tocsin tower user ana`
        tokens: [sha256:...]            # written by `tocsin tower token`

Passwords are scrypt of the standard library (RFC 7914; N=2^15, r=8, p=1: OWASP's cheat sheet).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from runtime.configuration.files import read_yaml
from runtime.configuration.validation import known_time_zone
from schemas.errors import ConfigurationError

Role = Literal["reader", "desk", "admin"]
RANKS: Final[Mapping[str, int]] = {"reader": 0, "desk": 1, "admin": 2}
MAX_PASSWORD: Final = 200
MAX_USERS: Final = 1_000
_N: Final = 2**15
_COSTS: Final = frozenset(2**power for power in range(10, 18))
_R: Final = 8
_P: Final = 1
_MEMORY: Final = 64 * 2**20


class Person(Struct, frozen=True):
    """Who asks."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the person's role includes ``role``."""
        return RANKS[self.role] >= RANKS[role]


class Account(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
    role: Role = "reader"
    password: str | None = None
    tokens: list[str] = []
    language: Literal["", "fr", "en"] = ""
    time_zone: str = ""


class _File(Struct, forbid_unknown_fields=True):
    users: Annotated[list[Account], Meta(max_length=MAX_USERS)]


class Accounts:
    """The accounts of a users file, or none."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._tokens = {token: one for one in accounts.values() for token in one.tokens}
        # Checked for an unknown name too, so that the time does not tell which names exist.
        self._nobody = hashed(secrets.token_urlsafe(16))

    def __len__(self) -> int:
        return len(self._accounts)

    def with_password(self, name: str, password: str) -> Person | None:
        """The person, if the password is right. Takes some tens of milliseconds either way."""
        account = self._accounts.get(name)
        stored = account.password if account is not None and account.password else self._nobody
        right = is_password(password, stored)
        if account is None or account.password is None or not right:
            return None
        return Person(account.name, account.role)

    def with_token(self, token: str) -> Person | None:
        account = self._tokens.get(hashed_token(token))
        return None if account is None else Person(account.name, account.role)

    def named(self, name: str) -> Account | None:
        return self._accounts.get(name)

    def mark_of(self, name: str) -> str:
        """Changes with the password and the role: older sessions end with it."""
        account = self._accounts.get(name)
        text = "" if account is None else f"{account.role}:{account.password}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_accounts(path: Path | None) -> Accounts:
    """The accounts of the file.

    :raises ConfigurationError: it cannot be read, or an account is wrong.
    """
    if path is None:
        return Accounts({})
    found = read_yaml(path, _File, "docs/tower.md shows a users file")
    accounts = {one.name: one for one in found.users}
    if len(accounts) < len(found.users):
        raise ConfigurationError(f"{path} names a user twice")
    for one in found.users:
        if one.time_zone:
            try:
                known_time_zone(one.time_zone)
            except ValueError as error:
                raise ConfigurationError(f"{path}: the time zone of {one.name} {error}") from None
        if one.password is not None:
            _parts(one.password, f"{path}: the password of {one.name}")
    return Accounts(accounts)


def hashed(password: str) -> str:
    """``scrypt:N:r:p:salt:hash``, the last two in Base64."""
    salt = secrets.token_bytes(16)
    key = _scrypt(password, salt, _N, _R, _P)
    return ":".join(("scrypt", str(_N), str(_R), str(_P), _text(salt), _text(key)))


def is_password(password: str, stored: str) -> bool:
    if not 0 < len(password) <= MAX_PASSWORD:
        password = ""
    n, r, p, salt, key = _parts(stored, "a stored password")
    return hmac.compare_digest(_scrypt(password, salt, n, r, p), key)


def hashed_token(token: str) -> str:
    """A token has 256 random bits, so a fast hash is enough."""
    return "sha256:" + hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    secret = password.encode("utf-8", "replace")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


def _parts(stored: str, what: str) -> tuple[int, int, int, bytes, bytes]:
    try:
        kind, n, r, p, salt, key = stored.split(":")
        cost, size, lanes = int(n), int(r), int(p)
        # What scrypt takes and this process has: a sign-in must not fail for want of memory.
        possible = cost in _COSTS and 1 <= size <= 16 and 1 <= lanes <= 4
        possible = possible and cost < 2 ** (16 * size)  # RFC 7914, section 2
        if kind != "scrypt" or not possible or 128 * size * (cost + lanes) > _MEMORY // 2 + 2**20:
            raise ValueError(kind)
        return cost, size, lanes, base64.b64decode(salt), base64.b64decode(key)
    except ValueError:
        raise ConfigurationError(
            f"{what} is not what 'tocsin tower user' writes; write it anew"
        ) from None


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
