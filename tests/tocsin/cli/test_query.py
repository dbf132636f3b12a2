"""``tocsin query``: warnings, words, and mistakes with their place."""

import json
from pathlib import Path

import pytest

from queries.elasticsearch.index_compiler import compile_query
from queries.language.parser import parse
from tests.tocsin.cli.commands import Commands, lines


def test_lint_says_what_is_unwise(tocsin: Commands) -> None:
    ran = tocsin("query", "lint", "orange OR velmora")
    assert ran.status == 1
    assert "'orange' alone is an everyday word" in ran.out
    assert "  orange OR velmora\n  ^^^^^^\n" in ran.out
    assert ran.err == "1 warning\n"


def test_lint_tells_a_source_that_no_post_has_unless_it_is_known(
    tocsin: Commands, tmp_path: Path
) -> None:
    query = "velmora AND source:intranet"
    ran = tocsin("query", "lint", query)
    assert ran.status == 1
    assert "'intranet' [doubtful-value]" in ran.out
    assert tocsin("query", "lint", query, "--known-source", "intranet").status == 0
    sample = tmp_path / "posts.jsonl"
    sample.write_text('{"id": "1", "text": "velmora", "source": "intranet"}\n')
    assert tocsin("query", "lint", query, "--sample", str(sample)).status == 0
    other = tocsin("query", "lint", "velmora AND source:extranet", "--sample", str(sample))
    assert "did you mean source:intranet?" in other.out


def test_lint_is_content(tocsin: Commands) -> None:
    ran = tocsin("query", "lint", "-", stdin="velmora NEAR/5 été".encode())
    assert (ran.status, ran.out, ran.err) == (0, "", "0 warnings\n")
    assert tocsin("query", "lint", "demain", "--language", "de").status == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("lint", "demain", "--language", "xx"),
            "there are no words for 'xx'; choose from de, en",
        ),
        (("lint", "a AND b OR c"), "tocsin: AND and OR are mixed"),
        (("lint", "a AND b OR c"), "  a AND b OR c\n          ^^\n"),
        (("lint", "velmora", "--sample", "bad.jsonl"), "neither JSON nor a table"),
        (("lint", "velmora", "--sample", "worse.jsonl"), "holds no posts"),
        (("lint", "velmora", "--sample", "worse.jsonl"), "line 2"),
        (("explain", "query:outage", "--queries", "saved.yaml"), "did you mean 'outages'?"),
        (("explain", "a", "--queries", "absent.yaml"), "cannot be read"),
        (("explain", "a", "--queries", "list.yaml"), "list.yaml"),
        (("compile", "--to", "x", "abonn*"), "  abonn*\n  ^^^^^^\n"),
        (
            ("compile", "--to", "x", "--expansions", "list.yaml", "abonn*"),
            "map of terms to lists",
        ),
        (("cost", "abonn*", "--posts-a-day", "1", "--price", "1"), "  abonn*\n  ^^^^^^\n"),
        (("cost", "velmora", "--posts-a-day", "1", "--price", "1"), "no posts"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tocsin: Commands, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"\nnonsense\n")
    (tmp_path / "worse.jsonl").write_bytes(b"\n{nonsense\n")
    (tmp_path / "list.yaml").write_text("- abonne\n", "utf-8")
    (tmp_path / "saved.yaml").write_text("outages: panne OR coupure\n", "utf-8")
    assert says in tocsin.error("query", *arguments, stdin=b"\n")


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


def test_saved_queries_may_stand_in_a_brands_file(tocsin: Commands, tmp_path: Path) -> None:
    (file := tmp_path / "brands.yaml").write_text(
        "queries: {outages: panne OR coupure}\n"
        "brands: [{id: velmora, name: Velmora, query: velmora AND query:outages}]\n"
    )
    ran = tocsin("query", "compile", "query:velmora", "--to", "x", "--queries", str(file))
    assert ran.out == "velmora (panne OR coupure)\n"


@pytest.fixture
def sample(tmp_path: Path) -> str:
    texts = ["velmora panne"] * 30 + ["velmora"] * 10 + ["corvane"]
    (tmp_path / "posts.jsonl").write_bytes(
        lines(*({"id": number, "text": text} for number, text in enumerate(texts)))
    )
    return str(tmp_path / "posts.jsonl")


def test_lint_reads_a_sample(tocsin: Commands, sample: str) -> None:
    ran = tocsin("query", "lint", "(velmora OR zorglub) NOT panne", "--sample", sample)
    assert ran.status == 1
    assert "'zorglub' adds no post" in ran.out
    assert "removes 30 of the 40 posts" in ran.out
    assert "  (velmora OR zorglub) NOT panne\n                       ^^^^^^^^^\n" in ran.out
    assert "41 posts of the sample read" in ran.err
    assert "2 warnings" in ran.err
    assert tocsin("query", "lint", "velmora OR corvane", "--sample", sample).status == 0


def test_lint_judges_saved_queries_at_their_names(
    tocsin: Commands, tmp_path: Path, sample: str
) -> None:
    (tmp_path / "saved.yaml").write_text("names: corvane OR zorglub\n", "utf-8")
    saved = ("--queries", str(tmp_path / "saved.yaml"))
    ran = tocsin("query", "lint", "velmora OR query:names", "--sample", sample, *saved)
    assert "'zorglub' adds no post" in ran.out
    assert "  velmora OR query:names\n             ^^^^^^^^^^^\n" in ran.out


def test_a_query_becomes_one_of_elasticsearch(tocsin: Commands) -> None:
    ran = tocsin("query", "compile", "--to", "elasticsearch", "été AND (box OR lang:fr)")
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out) == compile_query(parse("été AND (box OR lang:fr)"))
    assert "été" in ran.out


def test_a_query_becomes_rules_of_x_and_what_they_change_is_told(tocsin: Commands) -> None:
    ran = tocsin("query", "compile", "--to", "x", "velmora NEAR/5 (panne OR coupure) NOT jus")
    assert (ran.status, ran.out) == (0, "velmora (panne OR coupure)\n")
    assert "NOT jus: left out" in ran.err
    assert "may not send" in ran.err


def test_the_limits_of_x_are_held(tocsin: Commands) -> None:
    query = " OR ".join(f"velmora{number}" for number in range(30))
    ran = tocsin("query", "compile", "--to", "x", "--max-length", "100", query)
    rules = ran.out.splitlines()
    assert len(rules) > 3
    assert max(map(len, rules)) <= 100
    limits = ("--max-length", "100", "--max-rules", "2")
    assert "only 2 are allowed" in tocsin.error("query", "compile", "--to", "x", *limits, query)


def test_wildcards_for_x_are_spelt_out_in_a_file(tocsin: Commands, tmp_path: Path) -> None:
    (file := tmp_path / "words.yaml").write_text("abonn*: [abonne, abonnement]\n", "utf-8")
    ran = tocsin("query", "compile", "--to", "x", "--expansions", str(file), "abonn*")
    assert ran.out == "abonne OR abonnement\n"


def test_the_cost_is_told_from_a_sample(tocsin: Commands, sample: str) -> None:
    prices = ("--posts-a-day", "1000", "--price", "0.01")
    ran = tocsin("query", "cost", "velmora NOT panne", sample, *prices)
    # X is not asked for the NOT.
    assert (ran.status, ran.out) == (
        0,
        "share of the posts  97.6 % (87.4 to 99.6 %)\n"
        "posts a day         976\n"
        "cost a month        292.68 (262.21 to 298.70)\n",
    )
    assert ran.err.endswith("41 posts read\n")


def test_explain_unfolds_saved_queries(tocsin: Commands) -> None:
    Path("saved.yaml").write_text("panne: panne OR coupure\nall: query:panne OR retard\n")
    ran = tocsin("query", "explain", "(orange OR sosh) NEAR/8 query:all", "--queries", "saved.yaml")
    assert ran.status == 0
    assert ran.out.splitlines()[-7:] == [
        "└─ what the query “all” matches",
        "   └─ at least one of",
        "      ├─ what the query “panne” matches",
        "      │  └─ at least one of",
        "      │     ├─ the word “panne”",
        "      │     └─ the word “coupure”",
        "      └─ the word “retard”",
    ]
    error = tocsin.error("query", "explain", "a NEAR/8 query:b", "--queries", "saved.yaml")
    assert "there is no query 'b'" in error


def test_a_field_that_posts_of_x_do_not_have_is_named(tocsin: Commands) -> None:
    ran = tocsin("query", "compile", "--to", "x", "velmora AND rating:<3 AND format:review")
    assert "posts of X have no format:, rating:; leave it out" in ran.err
    ran = tocsin("query", "compile", "--to", "x", "velmora AND source:bluesky")
    assert ran.err.startswith("there are no rules: no post of X can match this query\n")


def test_a_query_compiles_for_kibana(tocsin: Commands) -> None:
    ran = tocsin("query", "compile", "--to", "kibana", "orange AND NOT jus")
    assert ran.status == 0 and "search bar" in ran.err
    assert ran.out.startswith('(words.text: "orange" or words.title: "orange") and ')
    ran = tocsin("query", "compile", "--to", "kibana", "--compact", "orange NEAR/5 panne")
    assert "Edit as Query DSL" in ran.err
    assert len(ran.out.splitlines()) == 1 and "intervals" in ran.out
    wide = tocsin("query", "compile", "--to", "elasticsearch", "orange NEAR/5 panne").out
    assert json.loads(wide) == json.loads(ran.out)
