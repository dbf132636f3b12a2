"""Rules for X: what is asked for, in texts that X takes, and what has to change there."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestors.x_rules import MAX_LENGTH, TAG_PREFIX, Rule, reconcile, rules_for
from queries.names import BrandMatcher
from schemas.brand import Brand
from schemas.post import Author, Post

some_examples = settings(max_examples=60)
TEXTS = st.text(max_size=40)
BRANDS = st.builds(
    Brand,
    id=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True),
    name=st.text(min_size=1, max_size=40),
    names=st.lists(TEXTS, max_size=20),
    handles=st.lists(
        st.one_of(TEXTS, st.from_regex(r"@?[A-Za-z0-9_]{1,15}", fullmatch=True)), max_size=10
    ),
    exclude=st.lists(TEXTS, max_size=9),
    languages=st.lists(st.sampled_from(["en", "de", "he", "nb", "xx", "zh"])),
)
RULES = st.builds(
    Rule,
    value=st.sampled_from(["a", "b", "c", "d", "e"]),
    tag=st.sampled_from([None, "", "theirs", "tocsin:acme:1", "tocsin:other:2"]),
)


def _brand(**fields: object) -> Brand:
    return Brand(**({"id": "acme", "name": "Acme"} | fields))  # type: ignore[arg-type]


def _values(**fields: object) -> list[str]:
    return [rule.value for rule in rules_for([_brand(**fields)])]


def test_a_name_alone() -> None:
    assert rules_for([_brand()]) == [Rule('"Acme"', "tocsin:acme:1")]


def test_names_handles_and_languages() -> None:
    assert _values(
        names=["Acme", "Acme Corp"],
        handles=["@acme", "acme_help"],
        languages=["en", "fr"],
    ) == ['("Acme" OR "Acme Corp" OR @acme OR @acme_help) (lang:en OR lang:fr)']


def test_exclusions_are_left_to_the_matcher() -> None:
    """A rule knows no places: it would drop a post that names the brand beside the phrase."""
    post = Post(
        id="x:1",
        source="x",
        author=Author(id="7"),
        text="an apple pie beside my Apple",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    excluding = _brand(names=["Apple"], exclude=["apple pie", "x"])
    assert rules_for([excluding]) == rules_for([_brand(names=["Apple"])])
    assert BrandMatcher([excluding]).match(post)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OR", '"OR"'),
        ("from:somebody", '"from:somebody"'),
        ('the "Best" \\ co', '"the Best co"'),
        ("Acme®", '"Acme"'),
        ("a\nb\x00c", '"a b c"'),
        ("🚀", "🚀"),
        ("تلگرام", '"تلگرام"'),
        ("コカ・コーラ", '"コカ・コーラ"'),
    ],
)
def test_a_name_is_never_read_as_an_operator(name: str, value: str) -> None:
    assert _values(names=[name]) == [value]


@pytest.mark.parametrize("name", ["...", '"', "   ", "🚀🚀", "\x00"])
def test_a_name_with_nothing_to_look_for_is_left_out(name: str) -> None:
    assert _values(names=[name]) == []


def test_handles_of_other_platforms_are_left_out() -> None:
    assert _values(handles=["acme.bsky.social", "did:plc:x", "sixteen_letters_"]) == ['"Acme"']


def test_the_same_term_is_asked_for_once() -> None:
    assert _values(names=["Acme", "ACME", "acme"], handles=["Acme", "@acme"]) == [
        '("Acme" OR @Acme)'
    ]


def test_operator_codes_differ_from_the_codes_in_posts() -> None:
    assert _values(languages=["iw", "in", "nb", "nn"]) == ['"Acme" (lang:he OR lang:id OR lang:no)']


@pytest.mark.parametrize("languages", [["en", "xx"], ["zh"], ["en", "lang:de"]])
def test_a_language_that_x_does_not_know_widens_the_rule(languages: list[str]) -> None:
    assert _values(languages=languages) == ['"Acme"']


def test_long_lists_become_several_rules_that_keep_the_rest() -> None:
    names = [f"name number {number}" for number in range(100)]
    rules = rules_for([_brand(names=names, languages=["en"])])
    assert [rule.tag for rule in rules] == [f"tocsin:acme:{n}" for n in range(1, len(rules) + 1)]
    assert len(rules) > 1
    assert all(rule.value.endswith(" lang:en") for rule in rules)
    assert re.findall(r'"(name[^"]*)"', " ".join(rule.value for rule in rules)) == names


def test_languages_give_way_to_names() -> None:
    long_name = "n" * (MAX_LENGTH - 2 - len(" lang:en"))
    assert _values(names=[long_name], languages=["en"]) == [f'"{long_name}" lang:en']
    assert _values(names=[long_name + "n"], languages=["en"]) == [f'"{long_name}n"']
    assert _values(names=[long_name], languages=["en", "fr"]) == [f'"{long_name}"']


def test_a_name_longer_than_a_rule_is_left_out() -> None:
    assert _values(names=["n" * MAX_LENGTH, "short"]) == ['"short"']


def test_two_brands_with_one_name_share_a_rule() -> None:
    rules = rules_for([Brand(id="b", name="Acme"), Brand(id="a", name="Acme")])
    assert rules == [Rule('"Acme"', "tocsin:a:1")]


@some_examples
@given(st.lists(BRANDS, max_size=3), st.integers(40, 1024))
def test_every_rule_is_one_that_x_can_read(brands: list[Brand], max_length: int) -> None:
    rules = rules_for(brands, max_length)
    assert rules_for(list(reversed(brands)), max_length) == rules or len(
        {brand.id for brand in brands}
    ) < len(brands)
    assert len({rule.value for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.ours
        assert 0 < len(rule.value) <= max_length
        assert rule.value.count('"') % 2 == 0
        outside = re.sub(r'"[^"]*"', "Q", rule.value)
        assert re.fullmatch(
            r"(\((\S+ OR )+\S+\)|\S+)( lang:\w+| \((lang:\w+ OR )+lang:\w+\))?", outside
        )


# --- reconcile -------------------------------------------------------------------------------


def _at_x(rules: list[Rule]) -> list[Rule]:
    """As X would hold them: each text once, with ids."""
    unique = {rule.value: rule for rule in rules}.values()
    return [Rule(rule.value, rule.tag, str(number)) for number, rule in enumerate(unique)]


@some_examples
@given(st.lists(RULES), st.lists(RULES))
def test_reconcile_reaches_what_is_wanted_and_rests(
    wanted: list[Rule], existing: list[Rule]
) -> None:
    wanted = [Rule(rule.value, TAG_PREFIX + "x:1") for rule in wanted]
    held = _at_x(existing)
    to_add, to_delete = reconcile(wanted, held)

    kept = [rule for rule in held if rule.id not in to_delete]
    after = _at_x([*kept, *to_add])
    assert [rule for rule in held if not rule.ours] == [rule for rule in kept if not rule.ours]
    assert {rule.value for rule in wanted} <= {rule.value for rule in after}
    assert all(rule.value in {w.value for w in wanted} for rule in after if rule.ours)
    assert len(after) == len(kept) + len(to_add), "nothing is added that X already has"
    assert reconcile(wanted, after) == ([], [])


@some_examples
@given(st.lists(RULES))
def test_nothing_happens_where_all_is_well(existing: list[Rule]) -> None:
    held = _at_x(existing)
    assert reconcile([rule for rule in held if rule.ours], held) == ([], [])


def test_a_rule_of_somebody_else_is_used_and_left_alone() -> None:
    theirs = Rule('"Acme"', "theirs", "1")
    assert reconcile([Rule('"Acme"', "tocsin:acme:1")], [theirs]) == ([], [])
    assert reconcile([], [theirs]) == ([], [])


def test_the_first_of_two_equal_rules_of_ours_is_kept() -> None:
    """X would not hold both; should it ever, one goes."""
    held = [Rule("a", "tocsin:acme:1", "1"), Rule("a", "tocsin:acme:2", "2")]
    assert reconcile([held[0]], held) == ([], ["2"])
