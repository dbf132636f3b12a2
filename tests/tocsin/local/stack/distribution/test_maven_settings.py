"""Which repository Maven's settings name, from settings as companies write them."""

from pathlib import Path

import pytest
from jgo.constants import MAVEN_CENTRAL_URL

from schemas.errors import ConfigurationError
from tocsin.local.stack import StackError
from tocsin.local.stack.distribution.maven_settings import VARIABLE, Repository, find_repository

NEXUS = "https://nexus.example/maven"
OTHER = "https://other.example/maven"


def settings(home: Path, text: str) -> Path:
    folder = home / ".m2"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.xml").write_text(f'<settings xmlns="urn:settings">{text}</settings>')
    return home


def mirror(of: str, url: str = NEXUS, name: str = "nexus", more: str = "") -> str:
    entry = f"<id>{name}</id><mirrorOf>{of}</mirrorOf><url>{url}</url>{more}"
    return f"<mirrors><mirror>{entry}</mirror></mirrors>"


def server(password: str, name: str = "nexus") -> str:
    entry = f"<id>{name}</id><username>ann</username><password>{password}</password>"
    return f"<servers><server>{entry}</server></servers>"


def profile(url: str, activation: str = "", name: str = "work") -> str:
    repository = f"<repository><id>central</id><url>{url}</url></repository>"
    return (
        f"<profiles><profile><id>{name}</id>{activation}"
        f"<repositories>{repository}</repositories></profile></profiles>"
    )


def find(home: Path, **variables: str) -> Repository:
    return find_repository({"HOME": str(home), **variables}, machine=home / "machine")


def test_without_settings_it_is_central(tmp_path: Path) -> None:
    assert find(tmp_path).url == MAVEN_CENTRAL_URL
    assert find(settings(tmp_path, "")).url == MAVEN_CENTRAL_URL


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("*", NEXUS),
        ("central", NEXUS),
        ("other, central", NEXUS),
        ("external:*", NEXUS),
        ("*,!other", NEXUS),
        ("*,!central", MAVEN_CENTRAL_URL),
        ("other", MAVEN_CENTRAL_URL),
        ("external:http:*", MAVEN_CENTRAL_URL),
    ],
)
def test_a_mirror_serves_what_its_rule_says(tmp_path: Path, of: str, expected: str) -> None:
    assert find(settings(tmp_path, mirror(of))).url == expected


def test_a_mirror_that_names_central_comes_before_a_wildcard(tmp_path: Path) -> None:
    both = mirror("*") + mirror("central", OTHER, "other")
    assert find(settings(tmp_path, both)).url == OTHER


def test_the_credentials_are_those_of_the_mirror_with_variables_and_are_not_shown(
    tmp_path: Path,
) -> None:
    text = mirror("*", NEXUS + "/") + server("other", "central") + server("${env.NEXUS_PASSWORD}")
    found = find(settings(tmp_path, text), NEXUS_PASSWORD="s3cret")
    assert found == Repository(NEXUS, str(tmp_path / ".m2/settings.xml"), ("ann", "s3cret"))
    assert "s3cret" not in repr(found)


def test_an_encrypted_password_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="password of the server nexus .* is encrypted"):
        find(settings(tmp_path, mirror("*") + server("{COQLCE6DU6GtcS5P=}")))


def test_an_active_profile_defines_central_anew_and_the_mirrors_apply_to_it(
    tmp_path: Path,
) -> None:
    assert find(settings(tmp_path, profile(OTHER))).url == MAVEN_CENTRAL_URL
    active = "<activeProfiles><activeProfile>work</activeProfile></activeProfiles>"
    text = profile(OTHER) + active
    assert find(settings(tmp_path, text + server("pw", "central"))) == Repository(
        OTHER, "Maven's settings", ("ann", "pw")
    )
    by_default = "<activation><activeByDefault>true</activeByDefault></activation>"
    assert find(settings(tmp_path, profile(OTHER, by_default))).url == OTHER
    plain = profile("http://plain.example/m") + active
    assert find(settings(tmp_path, plain + mirror("external:http:*"))).url == NEXUS


def test_the_machines_settings_come_after_the_users(tmp_path: Path) -> None:
    (tmp_path / "maven" / "conf").mkdir(parents=True)
    (tmp_path / "maven" / "conf" / "settings.xml").write_text(
        f"<settings>{mirror('*', OTHER, 'other')}{server('pw')}</settings>"
    )
    maven_home = str(tmp_path / "maven")
    for name in ("MAVEN_HOME", "M2_HOME"):
        assert find(tmp_path, **{name: maven_home}).url == OTHER
    found = find(settings(tmp_path, mirror("*")), MAVEN_HOME=maven_home)
    assert (found.url, found.credentials) == (NEXUS, ("ann", "pw"))


def test_a_repository_that_is_chosen_comes_first_and_may_hold_credentials(tmp_path: Path) -> None:
    chosen = "https://ann:p%40ss@chosen.example:8443/m/?x=1"
    found = find(settings(tmp_path, "<broken"), TOCSIN_MAVEN_REPOSITORY=chosen)
    assert found == Repository(
        "https://chosen.example:8443/m", "TOCSIN_MAVEN_REPOSITORY", ("ann", "p@ss")
    )
    with pytest.raises(StackError, match=r"has no http\(s\) address") as caught:
        find(tmp_path, TOCSIN_MAVEN_REPOSITORY="ftp://ann:s3cret@chosen.example")
    assert "s3cret" not in str(caught.value)


def test_a_mirror_that_blocks_central_is_a_sentence(tmp_path: Path) -> None:
    text = mirror("*", "http://0.0.0.0/", "closed", "<blocked>true</blocked>")
    with pytest.raises(StackError, match="block central .mirror closed"):
        find(settings(tmp_path, text))


def test_settings_that_cannot_be_read_are_a_sentence(tmp_path: Path) -> None:
    for text in ("<mirrors>", "x" * 1_000_001):
        with pytest.raises(StackError, match=r"settings .*settings\.xml cannot be read"):
            find(settings(tmp_path, text))


def test_a_password_goes_over_tls_or_where_it_is_allowed(tmp_path: Path) -> None:
    for url in ("https://ana:secret-1@repo.example/m", "http://ana:secret-1@127.0.0.1/m"):
        assert find_repository({VARIABLE: url}, tmp_path).credentials == ("ana", "secret-1")
    plain = {VARIABLE: "http://ana:secret-1@repo.example/m"}
    with pytest.raises(ConfigurationError, match=r"repo\.example .*TOCSIN_MAVEN_ALLOW_PLAIN"):
        find_repository(plain, tmp_path)
    allowed = {**plain, "TOCSIN_MAVEN_ALLOW_PLAIN": "true"}
    assert find_repository(allowed, tmp_path).credentials == ("ana", "secret-1")
