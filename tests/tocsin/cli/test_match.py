"""``tocsin match``: the ids of the posts that a query matches, and where."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tocsin.cli.commands import Commands, lines


def ids(ran: Any) -> list[str]:
    return ran.out.splitlines()


POSTS = lines(
    {"id": "b", "text": "L'Orange est en panne"},
    {"id": 2, "text": "jus d'orange"},
    {"id": "a", "text": "Panne chez ORANGE"},
)


def test_spans_say_which_words(tocsin: Commands) -> None:
    stdin = lines(
        {"id": 1, "text": "😡 panne d'Orange", "title": "Été orange"},
        {"id": "2", "text": "orange", "author": {"name": "Odile Orange"}},
    )
    ran = tocsin("match", "--spans", "--query", "orange OR panne OR authorName:odile", stdin=stdin)
    assert [json.loads(line) for line in ids(ran)] == [
        {
            "id": 1,
            "spans": [
                {"field": "text", "start": 2, "end": 7, "text": "panne"},
                {"field": "text", "start": 10, "end": 16, "text": "Orange"},
                {"field": "title", "start": 4, "end": 10, "text": "orange"},
            ],
        },
        {
            "id": "2",
            "spans": [
                {"field": "authorName", "start": 0, "end": 5, "text": "Odile"},
                {"field": "text", "start": 0, "end": 6, "text": "orange"},
            ],
        },
    ]


def test_a_query_of_values_alone_matches_nowhere_in_the_text(tocsin: Commands) -> None:
    ran = tocsin("match", "--spans", "--query", "source:forum", "--source", "forum", stdin=POSTS)
    assert [json.loads(line)["spans"] for line in ids(ran)] == [[], [], []]


def test_what_the_query_asks_for_is_found_first(tocsin: Commands) -> None:
    stdin = lines(
        {"id": "fr", "text": "Je déteste mon téléphone Orange, c'est vraiment nul et cassé"},
        {"id": "en", "text": "I love my Orange phone, it is really great and wonderful"},
        {"id": "other", "text": "I love my phone, it is really great and wonderful"},
    )

    def found(query: str) -> list[str]:
        return ids(tocsin("match", "--query", query, stdin=stdin))

    assert found("orange AND lang:fr") == ["fr"]
    assert found("orange AND NOT lang:fr") == ["en"]
    assert found("orange AND sentiment:positive") == ["en"]
    assert found("lang:en") == ["en", "other"]
    assert found("orange AND (lang:de OR sentiment:negative)") == ["fr"]
    assert found("orange AND aspect:quality") == ["fr"]
    assert found("orange AND intent:praise") == ["en"]
    assert found("orange AND format:review") == []


def test_the_sentiment_towards_brands_needs_the_brands(tocsin: Commands) -> None:
    error = tocsin.error("match", "--query", "orange AND towards:negative", stdin=POSTS)
    assert "towards: needs to know your brands; add --brands brands.yaml" in error


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--query", "orange"), ["b", "2", "a"]),
        (("--query", "orange AND panne"), ["b", "a"]),
        (("--query", "velmora"), []),
        (("--query-file", "query.txt"), ["b", "a"]),
        (("--query", "brand:velmora", "--brands", "brands.yaml"), ["b", "2", "a"]),
        (("--query", "orange AND query:outages", "--queries", "saved.yaml"), ["b", "a"]),
        (("--query", "query:orange", "--queries", "brands.yaml"), ["b", "a"]),
    ],
)
def test_ids_come_back_as_they_were_given_in_order(
    tocsin: Commands, tmp_path: Path, arguments: tuple[str, ...], found: list[str]
) -> None:
    (tmp_path / "query.txt").write_text("orange\n  AND panne <<< why >>>\n", "utf-8")
    (tmp_path / "saved.yaml").write_text("outages: panne OR coupure\n", "utf-8")
    (tmp_path / "brands.yaml").write_text(
        "queries: {outages: panne OR coupure}\n"
        "brands:\n"
        "- {id: velmora, name: Orange}\n"
        "- {id: orange, name: Orange, query: orange AND query:outages}\n"
    )
    ran = tocsin("match", *arguments, stdin=POSTS)
    assert (ran.status, ids(ran)) == (0, found)
    assert ran.err.splitlines() == [
        "no post says when it was written: all count as written now",
        f"{len(found)} posts matched",
    ]


def test_posts_may_come_from_a_file_and_the_query_from_standard_input(
    tocsin: Commands, tmp_path: Path
) -> None:
    (tmp_path / "posts.jsonl").write_bytes(POSTS)
    ran = tocsin("match", "posts.jsonl", "--query", "-", stdin=b"orange AND panne")
    assert ids(ran) == ["b", "a"]
    assert tocsin("match", "--query", "velmora", stdin=b"").status == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give one query"),
        (("--query", "a", "--query-file", "b"), "give one query"),
        (("--query", "-"), "cannot both come from standard input"),
        (("--query-file", "absent.txt"), "absent.txt cannot be read"),
        (("--query", "a", "absent.jsonl"), "absent.jsonl cannot be read"),
        (("--query", "a AND b OR c"), "  a AND b OR c\n          ^^\n"),
        (("--query", 'query:"outages"'), "--queries saved.yaml"),
        (("--query", "brand:velmora"), "--brands brands.yaml"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    tocsin: Commands, arguments: tuple[str, ...], says: str
) -> None:
    assert says in tocsin.error("match", *arguments, stdin=POSTS)


def test_bad_lines_are_told_and_the_others_read(tocsin: Commands) -> None:
    ran = tocsin("match", "--query", "orange", stdin=b"nonsense\n\n" + POSTS + b'{"id": "9"}\n')
    assert ran.status == 1
    assert ids(ran) == ["b", "2", "a"]
    assert [line.partition(":")[0] for line in ran.err.splitlines()[1:3]] == ["line 1", "line 6"]
    assert "3 posts matched, 2 lines skipped" in ran.err


def test_many_posts_are_read_in_batches_and_an_id_may_come_again(tocsin: Commands) -> None:
    posts = [{"id": number, "text": "orange" if number % 2 else "x"} for number in range(2_500)]
    ran = tocsin("match", "--query", "orange", stdin=lines(*posts, *posts[:2]))
    assert ids(ran) == [*(str(number) for number in range(1, 2_500, 2)), "1"]


def test_a_line_may_say_what_it_is_in_flat_words(tocsin: Commands) -> None:
    lines = [
        '{"id": 1, "text": "panne", "lang": "fr", "followers": 2000, "likes": 3}',
        '{"id": 2, "text": "panne", "lang": "en", "followers": 2000, "likes": 3}',
        '{"id": 3, "text": "panne", "lang": "fr", "followers": 20, "likes": 3, "verified": true}',
        '{"id": 4, "text": "panne", "lang": "fr", "author": {"id": 7, "followers": 2000}}',
    ]
    posts = "\n".join(lines).encode()

    def matching(query: str) -> str:
        return tocsin("match", "--query", query, stdin=posts).out

    assert matching("panne AND lang:fr AND followers:>1000") == "1\n4\n"
    assert matching("panne AND likes:[1 TO 5] AND verified:true") == "3\n"


def test_posts_in_any_file_and_matches_in_any_format(tocsin: Commands, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("source: forum\nfields: {id: n, text: t}")
    data = "n;t\n1;Réseau Orange en panne\n2;été\n".encode("cp1252")
    arguments = ("match", "--query", "orange OR panne", "--mapping", "m.yaml")
    assert ids(tocsin(*arguments, stdin=data)) == ["1"]
    header, row = ids(tocsin(*arguments, "--format", "csv", stdin=data))
    assert header == "id,created_at,source,author,text,words,url"
    assert row.startswith("1,") and row.endswith('Réseau Orange en panne,"Orange, panne",')
    (found,) = ids(tocsin(*arguments, "--format", "jsonl", stdin=data))
    assert json.loads(found)["words"] == ["Orange", "panne"]
    assert "leave out one" in tocsin.error(*arguments, "--spans", "--format", "csv", stdin=data)
