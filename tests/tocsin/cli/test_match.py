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


def test_ids_come_back_as_they_were_given_in_order(tocsin: Commands) -> None:
    ran = tocsin("match", "--query", "orange", stdin=POSTS)
    assert (ran.status, ids(ran), ran.err) == (0, ["b", "2", "a"], "3 posts matched\n")
    assert ids(tocsin("match", "--query", "orange AND panne", stdin=POSTS)) == ["b", "a"]


def test_nothing_that_matches_is_no_error(tocsin: Commands) -> None:
    ran = tocsin("match", "--query", "velmora", stdin=POSTS)
    assert (ran.status, ran.out, ran.err) == (0, "", "0 posts matched\n")
    assert tocsin("match", "--query", "velmora", stdin=b"").status == 0


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


def test_brands_are_looked_for_where_a_query_asks(tocsin: Commands, tmp_path: Path) -> None:
    assert "--brands brands.yaml" in tocsin.error("match", "--query", "brand:velmora", stdin=POSTS)
    (tmp_path / "brands.yaml").write_text("brands: [{id: velmora, name: Orange}]")
    given = ("--brands", "brands.yaml")
    assert ids(tocsin("match", "--query", "brand:velmora", *given, stdin=POSTS)) == ["b", "2", "a"]


def test_long_queries_are_read_from_a_file(tocsin: Commands, tmp_path: Path) -> None:
    (tmp_path / "query.txt").write_text("orange\n  AND panne <<< why >>>\n", "utf-8")
    (tmp_path / "posts.jsonl").write_bytes(POSTS)
    assert ids(tocsin("match", "--query-file", "query.txt", stdin=POSTS)) == ["b", "a"]
    from_stdin = tocsin("match", "posts.jsonl", "--query", "-", stdin=b"orange AND panne")
    assert ids(from_stdin) == ["b", "a"]


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
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    tocsin: Commands, arguments: tuple[str, ...], says: str
) -> None:
    assert says in tocsin.error("match", *arguments, stdin=POSTS)


def test_saved_queries_are_put_in_their_places(tocsin: Commands, tmp_path: Path) -> None:
    (tmp_path / "saved.yaml").write_text("outages: panne OR coupure\n", "utf-8")
    saved = ("--queries", "saved.yaml")
    ran = tocsin("match", "--query", "orange AND query:outages", *saved, stdin=POSTS)
    assert ids(ran) == ["b", "a"]
    (tmp_path / "brands.yaml").write_text(
        "queries: {outages: panne OR coupure}\n"
        "brands: [{id: orange, name: Orange, query: orange AND query:outages}]\n"
    )
    saved = ("--queries", "brands.yaml")
    assert ids(tocsin("match", "--query", "query:orange", *saved, stdin=POSTS)) == ["b", "a"]


def test_bad_lines_are_told_and_the_others_read(tocsin: Commands) -> None:
    ran = tocsin("match", "--query", "orange", stdin=b"nonsense\n\n" + POSTS + b'{"id": "9"}\n')
    assert ran.status == 1
    assert ids(ran) == ["b", "2", "a"]
    assert [line.partition(":")[0] for line in ran.err.splitlines()[:2]] == ["line 1", "line 6"]
    assert "3 posts matched, 2 lines skipped" in ran.err


def test_many_posts_are_read_in_batches(tocsin: Commands) -> None:
    posts = ({"id": number, "text": "orange" if number % 2 else "x"} for number in range(2_500))
    ran = tocsin("match", "--query", "orange", stdin=lines(*posts))
    assert ids(ran) == [str(number) for number in range(1, 2_500, 2)]


def test_the_same_id_may_come_again(tocsin: Commands) -> None:
    stdin = lines({"id": 1, "text": "orange"}, {"id": 1, "text": "x"}, {"id": 1, "text": "orange"})
    assert ids(tocsin("match", "--query", "orange", stdin=stdin)) == ["1", "1"]


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
