"""Sessions and sign-in links, signed with a key of this machine.

A session is stateless, so a restart of the tower signs nobody out. It ends after its hours, when
the account changes, or when the person signs out. A sign-in link works once and for an hour.
"""

import base64
import hashlib
import hmac
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from schemas.errors import ConfigurationError
from tower.security.users import Accounts, Person, Role

LINK_S: Final = 3600.0
MAX_SPENT: Final = 10_000
"""Used links and ended sessions that are remembered."""
MAX_TOKEN: Final = 1_000
MIN_KEY: Final = 32
"""Bytes of the key."""
Purpose = Literal["session", "link"]


class _Claim(Struct, frozen=True, omit_defaults=True):
    purpose: Purpose
    name: str
    role: Role
    until: float
    nonce: str
    mark: str = ""


class Sessions:
    """Issues and checks sessions and links. ``now``: wall-clock seconds."""

    def __init__(
        self,
        key: bytes,
        accounts: Accounts,
        hours: float = 12.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._key = key
        self._accounts = accounts
        self._seconds = hours * 3600
        self._now = now
        self._spent: OrderedDict[str, None] = OrderedDict()

    def session(self, person: Person) -> str:
        mark = self._accounts.mark_of(person.name)
        return self._signed("session", person, self._seconds, mark)

    def link(self, person: Person) -> str:
        return self._signed("link", person, LINK_S, "")

    @property
    def max_age_s(self) -> int:
        return int(self._seconds)

    def person(self, token: str) -> Person | None:
        """Whose session it is, while it lasts."""
        claim = self._read(token, "session")
        if claim is None or claim.mark != self._accounts.mark_of(claim.name):
            return None
        return Person(claim.name, claim.role)

    def use_link(self, token: str) -> Person | None:
        """Whose link it is; a second use gives None."""
        claim = self._read(token, "link")
        if claim is None:
            return None
        self._spend(claim.nonce)
        return Person(claim.name, claim.role)

    def end(self, token: str) -> None:
        """Sign out."""
        claim = self._read(token, "session")
        if claim is not None:
            self._spend(claim.nonce)

    def _spend(self, nonce: str) -> None:
        self._spent[nonce] = None
        while len(self._spent) > MAX_SPENT:
            self._spent.popitem(last=False)

    def _signed(self, purpose: Purpose, person: Person, seconds: float, mark: str) -> str:
        until, nonce = self._now() + seconds, secrets.token_urlsafe(12)
        claim = _Claim(purpose, person.name, person.role, until, nonce, mark)
        body = base64.urlsafe_b64encode(msgspec.json.encode(claim)).rstrip(b"=")
        return f"{body.decode()}.{self._signature(body)}"

    def _signature(self, body: bytes) -> str:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()

    def _read(self, token: str, purpose: Purpose) -> _Claim | None:
        if len(token) > MAX_TOKEN:
            return None
        text, _, signature = token.partition(".")
        body = text.encode("ascii", "replace")
        given = signature.encode("ascii", "replace")
        if not hmac.compare_digest(self._signature(body).encode(), given):
            return None
        claim = msgspec.json.decode(base64.urlsafe_b64decode(body + b"=="), type=_Claim)
        fits = claim.purpose == purpose and claim.until > self._now()
        return claim if fits and claim.nonce not in self._spent else None


def given_key(path: Path) -> bytes:
    """The key in a file of the operator's, which several copies of the tower may share.

    :raises ConfigurationError: it cannot be read, is too short, or is readable by everybody.
    """
    try:
        # The group may read: containers are given their secrets that way.
        if path.stat().st_mode & 0o007:
            raise ConfigurationError(f"{path} is readable by others: chmod o-rwx {path}")
        key = path.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(
            f"the key of TOCSIN_TOWER_SIGNING_KEY, {path}, cannot be read ({error.strerror})"
        ) from None
    if len(key) < MIN_KEY:
        raise ConfigurationError(
            f"{path} has {len(key)} bytes; a key has at least {MIN_KEY}: openssl rand -base64 32"
        )
    return key


def signing_key(folder: Path, given: Path | None = None) -> bytes:
    """The key of the file, else the one in the folder, made at first use and its owner's alone.

    :raises ConfigurationError: the folder or the file cannot be used.
    """
    if given is not None:
        return given_key(given)
    path = folder / "key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} is readable by others: chmod 600 {path}")
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the key of sessions cannot be kept in {folder} ({error.strerror}); set "
            "TOCSIN_TOWER_DATA_DIR to a folder that is writable"
        ) from None
    if len(key) < MIN_KEY:
        raise ConfigurationError(f"{path} is too short; delete it, and a new one is made")
    return key
