"""``tocsin brands``: check, diff, apply and list, on a Kafka in memory."""

import json
import re
from pathlib import Path

import pytest

from brands.registry import current_brands, publish_brands
from docs import generate
from runtime.settings import KafkaSettings, load
from tests.make import brand
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.tocsin.cli.commands import Commands, Ran, lines
from tocsin.cli.brands import COMMANDS

TWO = "brands:\n  - {id: velmora, name: Velmora}\n  - {id: corvane, name: Corvane}\n"
ONE = "brands:\n  - {id: velmora, name: Velmora, names: [Velmora, Velmora Mobile]}\n"


def write(text: str, name: str = "brands.yaml") -> str:
    Path(name).write_text(text, "utf-8")
    return name


def published() -> set[str]:
    return set(current_brands(load(KafkaSettings)))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_the_help_of_the_command(name: str) -> None:
    command = generate.all_commands()["tocsin", "brands", name]
    assert COMMANDS[name].help == command.help.partition("\n\n")[0].replace("\n", " ")


def test_a_diff_names_what_apply_would_change(tocsin: Commands, kafka: FakeKafka) -> None:
    ran = tocsin("brands", "diff", write(TWO))
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "+ corvane  Corvane\n+ velmora  Velmora\n2 brands new\n"
    assert not published()
    tocsin("brands", "apply", write(TWO))
    assert tocsin("brands", "diff", "brands.yaml") == Ran(
        0, "", "nothing changes; 2 brands as published\n"
    )
    ran = tocsin("brands", "diff", write(ONE))
    assert ran.err.splitlines() == [
        "~ velmora  Velmora",
        "    names: + Velmora",
        "    names: + Velmora Mobile",
        "- corvane",
        "1 brand changed, 1 removed",
    ]
    ran = tocsin("brands", "diff", "brands.yaml", "--format", "jsonl")
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        {"change": "changed", "brand": "velmora", "field": "names", "before": [],
         "after": ["Velmora", "Velmora Mobile"]},
        {"change": "removed", "brand": "corvane", "field": None, "before": None, "after": None},
    ]  # fmt: skip


def test_brands_go_only_with_a_yes(tocsin: Commands, kafka: FakeKafka) -> None:
    ran = tocsin("brands", "apply", write(TWO))
    assert (ran.status, ran.err.splitlines()[-1]) == (0, "published: 2 brands new")
    refused = tocsin("brands", "apply", write(ONE))
    assert refused.status == 2 and published() == {"velmora", "corvane"}
    assert "this would remove corvane; add --yes to remove it, or --keep-others" in refused.err
    ran = tocsin("brands", "apply", "brands.yaml", "--dry-run")
    assert ran.status == 0 and ran.err.endswith("1 removed; nothing was published\n")
    assert published() == {"velmora", "corvane"}
    ran = tocsin("brands", "apply", "brands.yaml", "--keep-others")
    assert ran.err.endswith("published: 1 brand changed\n") and len(published()) == 2
    ran = tocsin("brands", "apply", "brands.yaml", "--yes")
    assert ran.err.endswith("published: 1 brand removed, 1 unchanged\n")
    assert published() == {"velmora"}
    ran = tocsin("brands", "apply", "brands.yaml")
    assert ran.err.endswith("nothing changes; 1 brand as published\n")
    assert "was not looked at: Elasticsearch at" in ran.err, "there is no index here"


def test_a_first_set_up_leaves_brands_alone(tocsin: Commands, kafka: FakeKafka) -> None:
    tocsin("brands", "apply", write(TWO), "--if-none")
    assert published() == {"velmora", "corvane"}
    ran = tocsin("brands", "apply", write(ONE), "--if-none")
    assert ran.status == 0 and "already" in ran.err and len(published()) == 2


def test_a_doubtful_name_is_told_before_it_is_published(tocsin: Commands, kafka: FakeKafka) -> None:
    ran = tocsin("brands", "apply", write("brands: [{id: a, name: A}]"))
    assert "warning: a: the name 'A' has 1 letter" in ran.err and published() == {"a"}


def test_doubts_about_a_query_are_told_before_it_is_published(
    tocsin: Commands, kafka: FakeKafka
) -> None:
    text = "brands: [{id: a, name: A, query: 'velmora AND source:twitter'}]"
    ran = tocsin("brands", "apply", write(text))
    assert "warning: a: no ingestor gives a post the source 'twitter'" in ran.err
    assert "write source:x" in ran.err
    assert published() == {"a"}


def test_a_peer_may_be_a_brand_that_is_kept(tocsin: Commands, kafka: FakeKafka) -> None:
    publish_brands(load(KafkaSettings), [brand("b")], keep_others=False)
    text = "brands: [{id: velmora, name: Velmora, peers: [b]}]"
    assert "a peer b" in tocsin.error("brands", "apply", write(text), "--yes")
    assert tocsin("brands", "apply", "brands.yaml", "--keep-others").status == 0


def test_an_unreadable_brand_is_replaced(tocsin: Commands, kafka: FakeKafka) -> None:
    kafka.send("tocsin.brands", key=b"velmora", value=b"{")
    assert "(cannot be read)" in tocsin("brands", "list").out
    ran = tocsin("brands", "apply", write(ONE))
    assert "the published brand cannot be read" in ran.err
    assert tocsin("brands", "diff", "brands.yaml").status == 0


def test_the_list_has_a_row_for_each_brand(tocsin: Commands, kafka: FakeKafka) -> None:
    ran = tocsin("brands", "list")
    assert (ran.out, ran.status) == ("", 0) and "tocsin brands apply" in ran.err
    tocsin("brands", "apply", write(TWO.replace("Corvane}", "Corvane, languages: [fr, en]}")))
    first, second = tocsin("brands", "list").out.splitlines()[1:]
    assert re.fullmatch(r"corvane +Corvane +fr, en +3 +0 +2026-01-02 .*", first)
    assert second.startswith("velmora")
    (row, _) = map(json.loads, tocsin("brands", "list", "--format", "jsonl").out.splitlines())
    assert row["id"] == "corvane" and row["languages"] == ["fr", "en"] and row["query"] is None
    assert row["alerts"] == {} and row["published_at"] == "2026-01-02T03:04:05Z"


POSTS = lines(
    {"id": 1, "text": "Velmora en panne ce matin, encore une fois", "lang": "fr"},
    {"id": 2, "text": "rdv rue Velmora à midi avec les amis", "lang": "fr"},
    {"id": 3, "text": "Velmora is down again today", "lang": "en"},
    {"id": 4, "text": "Ma box orange ne marche plus depuis ce matin", "lang": "fr"},
    {"id": 5, "text": "une orange pressée et du pain", "lang": "fr"},
    {"id": 6, "text": "Velmora et sa box", "lang": "fr"},
    {"id": 7, "text": "Velmora, bravo", "lang": "fr"},
)
CHECKED = """
queries: {outages: panne OR coupure}
brands:
  - {id: velmora, name: Velmora, exclude: [rue Velmora], languages: [fr]}
  - {id: twin, name: Twin, query: 'velmora AND lang:fr', exclude: [rue Velmora]}
  - {id: corvane, name: Corvane}
  - id: orange
    name: Orange
    examples:
      - {about: true, text: "Orange bloque encore ma box depuis ce matin"}
      - {about: true, text: "l'application de la box Orange ne marche plus"}
      - {about: false, text: "une orange pressée le matin avec du pain"}
      - {about: false, text: "le jus d'une orange et du pain"}
"""


def test_a_check_with_posts_says_what_each_field_drops(tocsin: Commands) -> None:
    Path("posts.jsonl").write_bytes(POSTS)
    ran = tocsin("brands", "check", write(CHECKED), "posts.jsonl", "--format", "json")
    assert ran.status == 0
    data = json.loads(ran.out)
    assert data["read"] == 7 and not data["mistakes"]
    found = {each["id"]: each for each in data["found"]}
    assert found["velmora"]["mentions"] == 3 and found["velmora"]["matched"] == 5
    assert found["velmora"]["dropped"] == {"exclude": 1, "languages": 1, "examples": 0}
    assert [post["id"] for post in found["velmora"]["samples"]["exclude"]] == ["file:2"]
    assert [post["id"] for post in found["velmora"]["samples"]["languages"]] == ["file:3"]
    assert found["orange"]["dropped"]["examples"] == 1
    (dropped,) = found["orange"]["samples"]["examples"]
    assert dropped["id"] == "file:5" and dropped["confidence"] < 0.5
    assert dropped["spans"] == [["text", 4, 10]]
    codes = {(warning["about"], warning["code"]) for warning in data["warnings"]}
    assert codes == {
        ("corvane", "no-mentions"), ("orange", "everyday-name"), ("orange", "few-examples"),
        ("twin", "same-posts"),
    }  # fmt: skip


def test_a_check_is_readable(tocsin: Commands) -> None:
    Path("posts.jsonl").write_bytes(POSTS)
    ran = tocsin("brands", "check", write(CHECKED), "posts.jsonl")
    assert "velmora  3 of 7 posts" in ran.out
    assert "1 dropped by exclude\n    [fr] rdv rue **Velmora** à midi" in ran.out
    assert "2 examples with about: true and 2 with about: false are too few" in ran.out
    assert ran.err.endswith("brands.yaml: 0 mistakes, 4 warnings\n")


def test_posts_that_cannot_be_read_are_counted(tocsin: Commands) -> None:
    Path("posts.jsonl").write_bytes(POSTS + b"not a post\n")
    ran = tocsin("brands", "check", write(ONE), "posts.jsonl")
    assert ran.status == 1 and "posts.jsonl: 1 line skipped" in ran.err
    ran = tocsin("brands", "check", "brands.yaml", "posts.jsonl", "--format", "json")
    assert json.loads(ran.out)["unreadable"] == 1
    Path("posts.csv").write_text("id,text\n1,Velmora en panne\n2,rien du tout\n")
    ran = tocsin("brands", "check", "brands.yaml", "posts.csv")
    assert ran.status == 0 and "velmora  1 of 2 posts" in ran.out


def test_all_mistakes_and_doubts_are_told_and_only_mistakes_fail(tocsin: Commands) -> None:
    ran = tocsin(
        "brands", "check", write("brands: [{id: a, name: A}, {id: b, name: B, alerts: {x: 1}}]")
    )
    assert ran.status == 1
    assert "mistake: brands.yaml: brand b has an unknown field alerts.x" in ran.out
    assert "warning: a: the name 'A'" in ran.out
    assert ran.err == "brands.yaml: 1 mistake, 1 warning\n"
    assert tocsin("brands", "check", write(ONE)).status == 0
    assert "is not valid YAML" in tocsin.error("brands", "check", write("brands: ["))
