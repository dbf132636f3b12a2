"""Rules for X: compiled from brands, valid for X, and reconciled."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brands.brand_matcher import BrandMatcher
from ingestors.x.rules import TAG_PREFIX, Rule, compiled, reconcile, rules_for
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from tests import make
from tests.ingestors.hostile_json import some_examples
from tests.make import brand
from tests.queries.x.x_semantics import parse_rule

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


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"query": "acm* OR apex"}, r"brand acme .*expansions"),
        ({"query": "acme NOT"}, "brand acme"),
        ({"names": ["..."]}, "brand acme .*no word"),
    ],
)
def test_a_brand_that_x_cannot_be_asked_for(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"(?s){message}"):
        rules_for([brand("acme", **fields)])


def test_expansions_say_what_a_wildcard_means() -> None:
    wildcard = brand("acme", query="acm* OR apex")
    [rule] = rules_for([wildcard], expansions={"acm*": ["acme", "acmé"]})
    assert rule.value == "acme OR acmé OR apex"


def test_what_a_rule_may_miss_is_said() -> None:
    lost = {note.clause: note.how for note in compiled(brand("acme", languages=["en"])).lost}
    assert "accents" in lost["acme, #acme"]
    assert "no such hashtag" in lost["#acme"]
    assert "another language" in lost["en"]


def test_exclusions_are_left_to_the_matcher() -> None:
    """A rule knows no places: it would drop a post that names the brand beside the phrase."""
    excluding = brand("acme", names=["Apple"], exclude=["apple pie", "x"])
    assert rules_for([excluding]) == rules_for([brand("acme", names=["Apple"])])
    assert BrandMatcher([excluding]).match(make.post("an apple pie beside my Apple"))


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        (
            {"names": ["Acme", "Acme Corp"], "handles": ["@acme", "acme_help"],
             "languages": ["en", "fr"]},
            '(acme OR #acme OR "acme corp" OR #acmecorp OR @acme OR @acme_help) '
            "(lang:en OR lang:fr)",
        ),
        # A query decides instead of the names.
        (
            {"query": "(acme OR apex) NEAR/5 outage NOT author:acme", "languages": ["en"]},
            "(acme OR apex) outage lang:en -from:acme",
        ),
        # A name is never read as an operator.
        ({"names": ["OR"]}, '"or" OR #or'),
        ({"names": ["from:somebody"]}, '"from somebody" OR #fromsomebody'),
        ({"names": ['the "Best" \\ co']}, '"the best co" OR #thebestco'),
        ({"names": ["Acme®"]}, "acme OR #acme"),
        (
            {"names": ["Ørsted A/S"]},
            '"orsted a s" OR "ørsted a s" OR #orstedas OR #ørstedas',
        ),
        ({"names": ["a\nb\x00c"]}, '"a b c" OR #abc'),
        ({"names": ["🚀"]}, "🚀"),
        ({"names": ["تلگرام"]}, "تلگرام OR #تلگرام"),
        # Handles of other platforms are words.
        (
            {"handles": ["acme.bsky.social", "did:plc:x", "sixteen_letters_"]},
            'acme OR #acme OR "acme bsky social" OR "sixteen_letters_"',
        ),
        # The same term is asked for once.
        (
            {"names": ["Acme", "ACME", "acme"], "handles": ["Acme", "@acme"]},
            "acme OR #acme OR @acme",
        ),
        # The operator's codes differ from those in posts.
        (
            {"languages": ["iw", "in", "nb", "nn"]},
            "(acme OR #acme) (lang:he OR lang:id OR lang:no)",
        ),
        # A language that X does not know widens the rule.
        ({"languages": ["en", "xx"]}, "acme OR #acme"),
        ({"languages": ["zh"]}, "acme OR #acme"),
        ({"languages": ["en", "lang:de"]}, "acme OR #acme"),
    ],
)  # fmt: skip
def test_the_rule_of_a_brand(fields: dict[str, object], value: str) -> None:
    assert [rule.value for rule in rules_for([brand("acme", **fields)])] == [value]


def test_long_lists_become_several_rules_that_keep_the_rest() -> None:
    names = [f"name number {number}" for number in range(100)]
    rules = rules_for([brand("acme", names=names, languages=["en"])])
    assert [rule.tag for rule in rules] == [f"tocsin:acme:{n}" for n in range(1, len(rules) + 1)]
    assert len(rules) > 1
    assert all(rule.value.endswith(") lang:en") for rule in rules)
    assert re.findall(r'"(name[^"]*)"', " ".join(rule.value for rule in rules)) == names


def test_languages_give_way_to_words() -> None:
    word = "n" * (60 - len(" lang:en"))
    for asked, expected in ((word, f"{word} lang:en"), (word + "n", word + "n")):
        asking = brand("acme", query="{" + asked + "}", languages=["en"])
        assert [rule.value for rule in rules_for([asking], max_length=60)] == [expected]


def test_two_brands_with_one_name_share_a_rule() -> None:
    rules = rules_for([Brand(id="b", name="Acme"), Brand(id="a", name="Acme")])
    assert rules == [Rule("acme OR #acme", "tocsin:a:1")]


@some_examples
@given(st.lists(BRANDS, max_size=3), st.integers(40, 1024))
def test_every_rule_is_one_that_x_can_read(brands: list[Brand], max_length: int) -> None:
    try:
        rules = rules_for(brands, max_length)
    except ConfigurationError:
        return
    assert rules_for(list(reversed(brands)), max_length) == rules or len(
        {brand.id for brand in brands}
    ) < len(brands)
    assert len({rule.value for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.ours
        parse_rule(rule.value, max_length)


# --- reconcile -------------------------------------------------------------------------------


def _at_x(rules: list[Rule]) -> list[Rule]:
    """As X would hold them: each text once, with ids."""
    unique = {rule.value: rule for rule in rules}.values()
    return [Rule(rule.value, rule.tag, str(number)) for number, rule in enumerate(unique)]


@some_examples
@given(st.lists(RULES), st.lists(RULES))
def test_reconcile_converges(wanted: list[Rule], existing: list[Rule]) -> None:
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


def test_the_first_of_two_equal_rules_of_ours_is_kept() -> None:
    """X would not hold both; should it ever, one goes."""
    held = [Rule("a", "tocsin:acme:1", "1"), Rule("a", "tocsin:acme:2", "2")]
    assert reconcile([held[0]], held) == ([], ["2"])
