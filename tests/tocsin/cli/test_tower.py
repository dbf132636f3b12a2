"""``tocsin tower link``, ``user`` and ``token``: secrets go to a person, never to a log."""

import re
from pathlib import Path

import pytest
import yaml

from runtime.settings import TowerSettings, load
from tests.tocsin.cli.commands import Commands
from tower.security.users import load_accounts
from tower.service import sessions_of

PASSWORD = b"correct horse battery"


def test_a_link_signs_in_once(tocsin: Commands) -> None:
    ran = tocsin("tower", "link", "/alerts?q=brand:velmora")
    found = re.fullmatch(
        r"http://127\.0\.0\.1:8470/sign-in\?token=(\S+)&next=/alerts%3Fq%3Dbrand%3Avelmora\n",
        ran.out,
    )
    assert found is not None
    # A secret: standard error, which goes to logs, has nothing of it.
    assert (ran.status, ran.err) == (0, "")
    sessions = sessions_of(load(TowerSettings))
    person = sessions.use_link(found[1])
    assert person is not None and (person.name, person.role) == ("local", "admin")
    assert sessions.use_link(found[1]) is None


def test_each_link_is_another_and_the_key_is_kept(tocsin: Commands) -> None:
    first, second = tocsin("tower", "link").out, tocsin("tower", "link").out
    assert first != second
    key = Path(".tocsin/tower/key")
    assert key.stat().st_mode & 0o077 == 0
    assert key.read_bytes() not in (first + second).encode()


def test_a_link_has_the_address_of_the_settings(
    tocsin: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_TOWER_PORT", "9001")
    monkeypatch.setenv("TOCSIN_TOWER_TLS_CERT", "cert.pem")
    assert tocsin("tower", "link").out.startswith("https://127.0.0.1:9001/sign-in?token=")


def test_the_lines_of_a_user_are_those_of_a_users_file(tocsin: Commands, tmp_path: Path) -> None:
    ran = tocsin("tower", "user", "ana", "--role", "desk", stdin=PASSWORD + b"\n")
    assert ran.status == 0
    assert PASSWORD.decode() not in ran.out + ran.err
    file = tmp_path / "users.yaml"
    file.write_text(f"users:\n{ran.out}", "utf-8")
    file.chmod(0o600)
    assert [entry["name"] for entry in yaml.safe_load(file.read_text())["users"]] == ["ana"]
    accounts = load_accounts(file)
    person = accounts.with_password("ana", PASSWORD.decode())
    assert person is not None and person.role == "desk"
    assert accounts.with_password("ana", PASSWORD.decode() + "x") is None


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (["ana", "--role", "boss"], PASSWORD, "there is no role boss; choose from"),
        (["ana"], b"short\n", "a password has 10 to"),
        (["ana"], b"", "a password has 10 to"),
        (["ana"], b"x" * 100_000, "a password has 10 to"),
    ],
)
def test_a_wrong_user_is_told(
    tocsin: Commands, arguments: list[str], stdin: bytes, told: str
) -> None:
    error = tocsin.error("tower", "user", *arguments, stdin=stdin)
    assert told in error
    assert "xxxx" not in error


def test_a_token_is_shown_once_and_only_its_hash_is_for_the_file(
    tocsin: Commands, tmp_path: Path
) -> None:
    ran = tocsin("tower", "token")
    token = ran.out.strip()
    assert len(token) >= 40
    # What is told about it, and could be logged, has the hash alone.
    assert token not in ran.err
    found = re.search(r'tokens: (\["[^"]+"\])', ran.err)
    assert found is not None
    file = tmp_path / "users.yaml"
    file.write_text(f"users:\n  - {{name: bot, role: reader, tokens: {found[1]}}}\n", "utf-8")
    file.chmod(0o600)
    person = load_accounts(file).with_token(token)
    assert person is not None and (person.name, person.role) == ("bot", "reader")


def test_it_refuses_to_be_open_to_strangers(
    tocsin: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_TOWER_HOST", "0.0.0.0")
    assert "set TOCSIN_TOWER_USERS" in tocsin.error("tower")
