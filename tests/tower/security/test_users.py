"""The users file: what it may hold, passwords and tokens, and what a wrong one says."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from tests.strategies import ANY_TEXT
from tower.security.users import (
    MAX_PASSWORD,
    Account,
    Accounts,
    Person,
    hashed,
    hashed_token,
    is_password,
    load_accounts,
)

PASSWORD = hashed("secret")
CHEAP = "scrypt:1024:8:1:c2FsdA==:" + "A" * 43 + "="
QUICK = Accounts({"ana": Account(name="ana", password=CHEAP, tokens=[hashed_token("t")])})
FILE = f"""
users:
  - name: ana
    role: desk
    password: {PASSWORD}
    tokens: [{hashed_token("t-1")}, {hashed_token("t-2")}]
  - name: ben@example.org
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "users.yaml"
    path.write_text(text, "utf-8")
    return path


def test_an_account_signs_in_by_its_password_or_a_token(tmp_path: Path) -> None:
    accounts = load_accounts(written(tmp_path, FILE))
    ana = Person("ana", "desk")
    assert accounts.with_password("ana", "secret") == ana
    assert accounts.with_token("t-1") == accounts.with_token("t-2") == ana
    assert accounts.with_password("ana", "Secret") is None
    assert accounts.with_token("t-3") is None
    assert accounts.with_token("") is None
    # The hash itself is no token, or the file would be as good as the token.
    assert accounts.with_token(hashed_token("t-1")) is None
    # Without a password nobody signs in by one, an empty one neither.
    assert accounts.with_password("ben@example.org", "") is None
    assert len(accounts) == 2


def test_an_account_is_a_reader_unless_it_says_more(tmp_path: Path) -> None:
    account = load_accounts(written(tmp_path, FILE)).named("ben@example.org")
    assert account is not None
    assert account.role == "reader"


def test_without_a_file_there_is_nobody() -> None:
    nobody = load_accounts(None)
    assert len(nobody) == 0
    assert nobody.with_password("ana", "secret") is None


def test_an_unknown_name_takes_the_path_of_a_known_one() -> None:
    """The hash that it is checked against costs as much as a real one."""
    checked = hashed("x").split(":")[:4]
    assert PASSWORD.split(":")[:4] == checked
    accounts = Accounts({"ana": Account(name="ana", password=PASSWORD)})
    for name in ("nobody", "", "\x00", "a" * 64):
        assert accounts.with_password(name, "secret") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("users: [{name: ana}, {name: ana}]", "names a user twice"),
        ("users: [{name: ana, role: boss}]", "role"),
        ("users: [{name: ana, passwort: x}]", "passwort"),
        ("users: [{name: '../ana'}]", "name"),
        ("users: [{name: ''}]", "name"),
        ("users: [{role: desk}]", "name"),
        ("people: []", "people"),
        ("users: 7", "users"),
        ("users: [", "users.yaml"),
        ("users: [{name: ana, password: secret}]", "password of ana is not what"),
        ("users: [{name: ana, password: 'bcrypt:1024:8:1:AA==:AA=='}]", "password of ana"),
        ("users: [{name: ana, password: 'scrypt:7:8:1:AA==:AA=='}]", "password of ana"),
        ("users: [{name: ana, password: 'scrypt:1025:8:1:AA==:AA=='}]", "password of ana"),
        ("users: [{name: ana, password: 'scrypt:131072:16:4:AA==:AA=='}]", "password of ana"),
        ("users: [{name: ana, password: 'scrypt:65536:8:1:AA==:AA=='}]", "password of ana"),
        ("users: [{name: ana, password: 'scrypt:1024:-8:1:AA==:AA=='}]", "password of ana"),
        ("users: [{name: ana, password: 'scrypt:1024:8:0:AA==:AA=='}]", "password of ana"),
        ("users: [{name: ana, password: 'scrypt:1024:8:1:é:AA=='}]", "password of ana"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError, match=message) as raised:
        load_accounts(path)
    assert "secret" not in str(raised.value), "a password is never told"


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.yaml"):
        load_accounts(tmp_path / "nothing.yaml")


@given(
    st.sampled_from([2**power for power in range(8, 19)]), st.integers(-1, 18), st.integers(-1, 6)
)
@settings(max_examples=30)
def test_a_hash_that_is_accepted_can_be_checked(cost: int, size: int, lanes: int) -> None:
    """Or a sign-in would fail with an error of its own, long after the file was read."""
    stored = f"scrypt:{cost}:{size}:{lanes}:c2FsdA==:AAAA"
    try:
        right = is_password("x", stored)
    except ConfigurationError:
        return
    assert right is False


def test_a_password_is_salted_and_bound() -> None:
    assert hashed("secret") != hashed("secret")
    assert is_password("secret", PASSWORD)
    assert not is_password("", PASSWORD)
    # What is longer than the limit is not cut: it is wrong.
    limit = "x" * MAX_PASSWORD
    assert is_password(limit, hashed(limit))
    assert not is_password(limit + "y", hashed(limit))


@settings(max_examples=20)
@given(ANY_TEXT)
def test_any_text_may_be_tried_as_a_password_or_a_token(text: str) -> None:
    assert QUICK.with_password("ana", text) is None
    assert QUICK.with_token(text) is None or text == "t"


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("reader", ["reader"]),
        ("desk", ["reader", "desk"]),
        ("admin", ["reader", "desk", "admin"]),
    ],
)
def test_a_role_includes_those_below_it(role: str, may: list[str]) -> None:
    person = Person("ana", role)  # type: ignore[arg-type]
    assert [each for each in ("reader", "desk", "admin") if person.may(each)] == may  # type: ignore[arg-type]
