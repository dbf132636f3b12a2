"""``tocsin init``: a brands file that is right for any name, asked or given, never over another."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brands.brands_file import load_brands
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from tests.tocsin.cli.commands import Commands
from text.terminal import single_line
from tocsin.cli.init import brands_file, identifier


def test_names_accounts_and_languages_are_in_the_file(tocsin: Commands) -> None:
    ran = tocsin(
        "init", "--name", "Zéphalia Air", "--name", "Zephalia", "--handle", "@zephalia_air",
        "--language", "FR",
    )  # fmt: skip
    assert (ran.status, ran.out) == (0, "")
    assert "tocsin brands check brands.yaml POSTS" in ran.err and "warning" not in ran.err
    assert load_brands(Path("brands.yaml")) == [
        Brand(
            id="zephalia-air",
            name="Zéphalia Air",
            names=["Zéphalia Air", "Zephalia"],
            handles=["zephalia_air"],
            languages=["fr"],
        )
    ]


def test_a_file_is_never_overwritten_unless_forced(tocsin: Commands) -> None:
    Path("brands.yaml").write_text("mine")
    assert "exists already" in tocsin.error("init", "--name", "Velmora")
    assert Path("brands.yaml").read_text() == "mine"
    assert tocsin("init", "--name", "Velmora", "--force").status == 0
    assert load_brands(Path("brands.yaml"))[0].id == "velmora"
    assert tocsin("init", "other.yaml", "--name", "Velmora").status == 0


def test_an_ambiguous_name_is_told_and_its_examples_are_asked_for(tocsin: Commands) -> None:
    ran = tocsin("init", "--name", "Orange")
    assert ran.status == 0
    assert "warning: the name 'Orange' is an everyday word" in ran.err
    assert "# Orange is also a word" in Path("brands.yaml").read_text()
    assert "1 letter" in tocsin("init", "x.yaml", "--name", "X").err


def test_what_is_wrong_leaves_no_file(tocsin: Commands) -> None:
    assert "give one, such as --name" in tocsin.error("init")
    error = tocsin.error("init", "--name", "Velmora", "--language", "klingon")
    assert "brands.yaml: brand velmora has the language 'klingon'" in error
    assert "has no word" in tocsin.error("init", "--name", "…")
    assert "cannot be written" in tocsin.error("init", "no/where.yaml", "--name", "Velmora")
    assert not list(Path().iterdir())


def test_a_terminal_is_asked(tmp_path: Path) -> None:
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin", "init"],
        cwd=tmp_path, stdin=inner, stdout=inner, stderr=inner,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    os.close(inner)
    os.write(outer, b"Velmora\nma box Velmora\n@velmora, velmora.example\nfr, en\n")
    shown = b""
    while True:
        try:
            shown += os.read(outer, 4096)
        except OSError:  # the other end is closed
            break
    os.close(outer)
    assert process.wait() == 0, shown
    (brand,) = load_brands(tmp_path / "brands.yaml")
    assert brand.names == ["Velmora", "ma box Velmora"]
    assert brand.handles == ["velmora", "velmora.example"] and brand.languages == ["fr", "en"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Zéphalia Air", "zephalia-air"), ("  L'Oréane ", "l-oreane"), ("記憶", "brand"),
     ("a" * 99, "a" * 64), ("-", "brand"), ("3M", "3m")],
)  # fmt: skip
def test_an_id_is_made_of_the_name(name: str, expected: str) -> None:
    assert identifier(name) == expected


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(TEXT.map(str.strip).filter(bool), st.lists(TEXT, max_size=2), st.lists(TEXT, max_size=2))
def test_any_name_gives_a_file_that_says_it(
    tmp_path_factory: pytest.TempPathFactory, name: str, others: list[str], handles: list[str]
) -> None:
    path = tmp_path_factory.mktemp("init") / "brands.yaml"
    names = [name, *others]
    path.write_text(brands_file(path, names, handles, []), "utf-8", newline="")
    try:
        (brand,) = load_brands(path)
    except ConfigurationError as error:
        said = str(error)
        reasons = (
            "has no word", "the query of brand", "name must not be", "no post can mention",
            "which is a query",
        )  # fmt: skip
        assert any(reason in said for reason in reasons)
    else:
        assert brand.name == single_line(name, 200)
        assert brand.names == list(dict.fromkeys(single_line(each, 200) for each in names))
        named = [single_line(each, 200).lstrip("@") for each in handles]
        assert brand.handles == list(dict.fromkeys(named))
