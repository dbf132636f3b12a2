"""Which stack `auto` takes, and what it says."""

import shutil
from pathlib import Path

import pytest

from tocsin.local.stack import StackError, selection
from tocsin.local.stack.elasticsearch_server import ElasticsearchServer
from tocsin.local.stack.selection import data_elsewhere, select_stack


def java(folder: Path, version: int, modules: str) -> dict[str, str]:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").touch(mode=0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return {"TOCSIN_JAVA_HOME": str(folder), "PATH": ""}


FULL = " ".join(sorted(ElasticsearchServer.JAVA_MODULES))


@pytest.fixture
def home(stack_dir: Path) -> Path:
    """A folder that the servers' account can reach."""
    stack_dir.chmod(0o755)
    return stack_dir / "jdk"


def test_the_real_elasticsearch_is_taken_where_a_jdk_can_run_it(home: Path) -> None:
    found = select_stack(java(home, 21, FULL))
    assert found.name == "engines"
    assert found.reason == f"Elasticsearch: the real one, on the JDK 21 of {home}"


@pytest.mark.parametrize(
    ("version", "modules", "reason"),
    [
        (17, FULL, "since TOCSIN_JAVA_HOME holds Java 17, which is too old"),
        (25, FULL.replace("jdk.jdi ", ""), "since the Java in TOCSIN_JAVA_HOME lacks jdk.jdi"),
    ],
)
def test_without_such_a_jdk_it_is_the_embedded_one_and_the_reason_is_said(
    home: Path, version: int, modules: str, reason: str
) -> None:
    pytest.importorskip("noida_db")
    found = select_stack(java(home, version, modules))
    assert found.name == "embedded"
    assert found.reason == f"Elasticsearch: the embedded one (noida-db), {reason}"


def test_a_java_that_is_none_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="holds no Java runtime"):
        select_stack({"TOCSIN_JAVA_HOME": str(tmp_path)})


def test_without_both_the_sentence_says_to_install_a_jdk(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> Path:
        raise StackError("no binary")

    monkeypatch.setattr(selection, "noida_binary", absent)
    with pytest.raises(StackError, match=r"noida-db.* does not run on this machine: install a JDK"):
        select_stack(java(home, 17, FULL))


def test_data_of_the_other_kind_is_told_only_while_there_is_none_of_this(tmp_path: Path) -> None:
    here, beside = tmp_path / "engines" / "data", tmp_path / "embedded"
    here.mkdir(parents=True)
    assert data_elsewhere(here, "engines") is None
    (beside / "data" / "kafka").mkdir(parents=True)
    assert data_elsewhere(here, "engines") == (
        f"this stack starts empty: what was read before is in {beside}, "
        "and --stack embedded continues with it"
    )
    assert data_elsewhere(tmp_path / "demo-auto" / "data", "engines") is None
    shutil.copytree(beside / "data", here, dirs_exist_ok=True)
    assert data_elsewhere(here, "engines") is None
