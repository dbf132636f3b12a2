"""``tocsin query``: warnings, words, and mistakes with their place."""

from pathlib import Path

import pytest

from tests.tocsin.commands import Commands


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(monkeypatch, capsys)


def test_lint_says_what_is_unwise(tocsin: Commands) -> None:
    ran = tocsin("query", "lint", "orange OR velmora")
    assert ran.status == 1
    assert "'orange' on its own is an everyday word" in ran.out
    assert "  orange OR velmora\n  ^^^^^^\n" in ran.out
    assert ran.err == "1 warning\n"


def test_lint_is_content(tocsin: Commands) -> None:
    ran = tocsin("query", "lint", "-", stdin="velmora NEAR/5 été".encode())
    assert (ran.status, ran.out, ran.err) == (0, "", "0 warnings\n")


def test_lint_knows_the_watched_languages(tocsin: Commands) -> None:
    assert tocsin("query", "lint", "demain", "--language", "de").status == 0
    ran = tocsin("query", "lint", "demain", "--language", "xx")
    assert ran.status == 2
    assert "no words are listed for 'xx': take de, en" in ran.err


def test_a_mistake_is_shown_with_its_place(tocsin: Commands) -> None:
    ran = tocsin("query", "lint", "a AND b OR c")
    assert (ran.status, ran.out) == (2, "")
    assert "tocsin: AND and OR are mixed" in ran.err
    assert "  a AND b OR c\n          ^^\n" in ran.err


def test_explain_prints_the_tree(tocsin: Commands) -> None:
    ran = tocsin("query", "explain", "box NOT jus")
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "box AND NOT jus",
        "",
        "all of",
        "├─ the word “box”",
        "└─ not",
        "   └─ the word “jus”",
    ]


def test_saved_queries_are_looked_up(tocsin: Commands, tmp_path: Path) -> None:
    saved = tmp_path / "saved.yaml"
    saved.write_text("outages: panne OR coupure\n", "utf-8")
    assert tocsin("query", "explain", "query:outages", "--queries", str(saved)).status == 0
    ran = tocsin("query", "explain", "query:outage", "--queries", str(saved))
    assert ran.status == 2
    assert "did you mean 'outages'?" in ran.err
    saved.write_text("- a\n", "utf-8")
    assert tocsin("query", "explain", "a", "--queries", str(saved)).status == 2
    assert "cannot be read" in tocsin("query", "explain", "a", "--queries", "absent.yaml").err
