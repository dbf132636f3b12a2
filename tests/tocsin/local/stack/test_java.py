"""Which Java is taken, among made-up ones."""

from pathlib import Path

import pytest

from tocsin.local.stack import StackError
from tocsin.local.stack.account import our_account
from tocsin.local.stack.java import Java, find_java, read_java


def runtime(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").touch(mode=0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="java.base jdk.net"\n')
    return folder


def find(minimum: int, variables: dict[str, str], *folders: Path) -> Path:
    return find_java(minimum, "Kafka", our_account(), variables, folders, wheel=False).home


@pytest.mark.parametrize(
    ("version", "major"), [("25.0.3", 25), ("17", 17), ("1.8.0_402", 8), ("26-ea", 26)]
)
def test_the_major_version_and_the_modules_are_read(
    tmp_path: Path, version: str, major: int
) -> None:
    home = runtime(tmp_path, version)
    assert read_java(home) == Java(home, major, frozenset({"java.base", "jdk.net"}))


def test_what_has_no_version_or_no_java_is_none(tmp_path: Path) -> None:
    assert read_java(tmp_path) is None
    assert read_java(runtime(tmp_path, "")) is None


def test_java_home_comes_before_the_newest_elsewhere_unless_it_is_too_old(tmp_path: Path) -> None:
    home = runtime(tmp_path / "home", "17.0.1")
    runtime(tmp_path / "jvm" / "a", "21.0.1")
    newest = runtime(tmp_path / "jvm" / "b", "25.0.1")
    for minimum, found in ((17, home), (21, newest)):
        assert find(minimum, {"JAVA_HOME": str(home)}, tmp_path / "jvm") == found


def test_the_java_on_the_path_is_found_through_its_link(tmp_path: Path) -> None:
    home = runtime(tmp_path / "real", "17.0.1")
    (tmp_path / "bin").mkdir()
    with pytest.raises(StackError, match=r"Kafka needs a JDK 17 .*: install one"):
        find(17, {"PATH": str(tmp_path / "bin")})
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    assert find(17, {"PATH": str(tmp_path / "bin")}) == home


def test_an_explicit_choice_is_used_or_refused(tmp_path: Path) -> None:
    chosen = runtime(tmp_path / "chosen", "21.0.1")
    other = runtime(tmp_path / "other", "25.0.1")
    variables = {"TOCSIN_JAVA_HOME": str(chosen), "JAVA_HOME": str(other)}
    assert find(21, variables) == chosen
    with pytest.raises(StackError, match="holds Java 21: set it to a newer one"):
        find(22, variables)


def test_a_runtime_without_a_needed_module_is_passed_over_or_refused(tmp_path: Path) -> None:
    small = runtime(tmp_path / "small", "25.0.1")
    needed = frozenset({"jdk.jdi"})
    with pytest.raises(StackError, match="none was found"):
        find_java(21, "It", our_account(), {"JAVA_HOME": str(small)}, (), False, needed)
    with pytest.raises(StackError, match=r"needs the module jdk\.jdi.*a full JDK"):
        find_java(21, "It", our_account(), {"TOCSIN_JAVA_HOME": str(small)}, (), False, needed)
