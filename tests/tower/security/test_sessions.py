"""Sessions and links: signed, bounded in time, ended by a change of the account, used once."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from tests.strategies import ANY_TEXT
from tower.security.sessions import LINK_S, MAX_SPENT, MAX_TOKEN, Sessions, signing_key
from tower.security.users import Account, Accounts, Person

ANA = Person("ana", "desk")
KEY = b"k" * 32


@dataclass
class Rig:
    account: Account = field(default_factory=lambda: Account(name="ana", role="desk", password="p"))
    hours: float = 12.0
    now: float = 1_000_000.0
    key: bytes = KEY

    def sessions(self, account: Account | None = None, key: bytes = KEY) -> Sessions:
        accounts = Accounts({"ana": account or self.account})
        return Sessions(key, accounts, self.hours, lambda: self.now)


SESSIONS = Rig().sessions()
"""Accounts cost a slow hash, so a test of many examples has them once."""


def test_a_session_lasts_its_hours_and_a_restart() -> None:
    rig = Rig()
    token = rig.sessions().session(ANA)
    restarted = rig.sessions()
    assert restarted.person(token) == ANA
    assert restarted.max_age_s == 12 * 3600
    rig.now += 12 * 3600 - 1
    assert restarted.person(token) == ANA
    rig.now += 1
    assert restarted.person(token) is None


@pytest.mark.parametrize(
    "changed",
    [
        Account(name="ana", role="desk", password="other"),
        Account(name="ana", role="reader", password="p"),
        Account(name="ana", role="admin", password="p"),
        Account(name="ana", role="desk"),
        Account(name="other", role="desk", password="p"),
    ],
)
def test_a_change_of_the_account_ends_its_sessions(changed: Account) -> None:
    rig = Rig()
    token = rig.sessions().session(ANA)
    accounts = Accounts({changed.name: changed})
    assert Sessions(KEY, accounts, 12.0, lambda: rig.now).person(token) is None


def test_signing_out_ends_the_session_alone() -> None:
    sessions = Rig().sessions()
    mine, phone = sessions.session(ANA), sessions.session(ANA)
    sessions.end(mine)
    sessions.end("nonsense")
    assert sessions.person(mine) is None
    assert sessions.person(phone) == ANA


def test_a_link_works_once_and_for_ten_minutes() -> None:
    rig = Rig()
    sessions = rig.sessions()
    link, late = sessions.link(ANA), sessions.link(ANA)
    assert sessions.use_link(link) == ANA
    assert sessions.use_link(link) is None
    rig.now += LINK_S
    assert sessions.use_link(late) is None


def test_a_link_is_no_session_and_a_session_no_link() -> None:
    sessions = Rig().sessions()
    assert sessions.person(sessions.link(ANA)) is None
    assert sessions.use_link(sessions.session(ANA)) is None


def test_another_key_signs_nobody_in() -> None:
    rig = Rig()
    token = rig.sessions(key=b"x" * 32).session(ANA)
    assert rig.sessions().person(token) is None


def _with(token: str, **changes: object) -> str:
    """The claim changed, under the signature of the old one."""
    body, _, signature = token.partition(".")
    claim = msgspec.json.decode(base64.urlsafe_b64decode(body + "=="))
    changed = base64.urlsafe_b64encode(msgspec.json.encode({**claim, **changes}))
    return f"{changed.rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "admin"},
        {"name": "ben"},
        {"until": 9e15},
        {"purpose": "link"},
        {"nonce": "other"},
        {"mark": "other"},
    ],
)
def test_no_part_of_a_session_can_be_changed(changes: dict[str, object]) -> None:
    sessions = Rig().sessions()
    forged = _with(sessions.session(ANA), **changes)
    assert sessions.person(forged) is None
    assert sessions.use_link(forged) is None


@settings(max_examples=60)
@given(st.integers(0, 150), st.characters())
def test_no_letter_of_a_session_can_be_changed(place: int, letter: str) -> None:
    token = SESSIONS.session(ANA)
    assert place < len(token)
    if letter != token[place]:
        assert SESSIONS.person(token[:place] + letter + token[place + 1 :]) is None
    assert SESSIONS.person(token[:place] + token[place + 1 :]) is None
    assert SESSIONS.person(token + letter) is None


@given(ANY_TEXT | st.builds("{}.{}".format, ANY_TEXT, ANY_TEXT))
def test_any_text_is_nobody(text: str) -> None:
    assert SESSIONS.person(text) is None
    assert SESSIONS.use_link(text) is None
    SESSIONS.end(text)


def test_a_long_token_is_not_even_read() -> None:
    assert Rig().sessions().person("a" * (MAX_TOKEN + 1)) is None


def test_the_memory_of_used_links_is_bounded() -> None:
    sessions = Rig().sessions()
    first = sessions.link(ANA)
    assert sessions.use_link(first) == ANA
    for _ in range(MAX_SPENT):
        sessions.end(sessions.session(ANA))
    last = sessions.session(ANA)
    sessions.end(last)
    assert sessions.person(last) is None


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "tower"
    key = signing_key(folder)
    assert len(key) == 32
    assert signing_key(folder) == key
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert signing_key(tmp_path / "other") != key


def test_a_key_that_others_can_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    signing_key(tmp_path)
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(ConfigurationError, match="readable by others: chmod 600"):
        signing_key(tmp_path)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="too short"):
        signing_key(tmp_path)


def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="TOCSIN_TOWER_DATA_DIR"):
        signing_key(tmp_path / "file")
