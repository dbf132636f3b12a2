"""The brands file: its brands, and one sentence for each error."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from brands.brands_file import load_brands, read_brands_file
from schemas.brand import AlertPolicy, Brand
from schemas.errors import ConfigurationError

REPOSITORY = Path(__file__).parents[2]


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "brands.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_brand_needs_little(tmp_path: Path) -> None:
    path = write(tmp_path, "brands:\n  - {id: velmora, name: Velmora}\n")
    assert load_brands(path) == [Brand(id="velmora", name="Velmora")]


def test_a_brand_may_say_much(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        brands:
          - id: zephalia
            name: x
            names: [ゼファリア, Zephalia Air]
            handles: [zephalia_air]
            exclude: ["zephalia butterfly"]
            languages: [fr, ja]
            owned: ["x:zephalia_air"]
            alerts:
              sensitivity: 2
              quiet_hours: "22:00-07:00 Europe/Paris"
              mute_until: 2026-01-02T03:04:05Z
        """,
    )
    (brand,) = load_brands(path)
    assert brand.names == ["ゼファリア", "Zephalia Air"]
    assert brand.alerts == AlertPolicy(
        sensitivity=2,
        quiet_hours="22:00-07:00 Europe/Paris",
        mute_until=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "path", sorted(REPOSITORY.glob("tocsin/brands/*.yaml")), ids=lambda p: p.stem
)
def test_our_own_files_are_right(path: Path) -> None:
    assert load_brands(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'brands:'"),
        ("brands: []", "has no brand"),
        ("brands: {a: 1}", "'brands:'"),
        ("- id: a", "'brands:'"),
        ("brands: [1]", "'brands:'"),
        ("brands: [{1: 2}]", "'brands:'"),
        ("brands: [", "not valid YAML"),
        (b"brands: [{id: a, name: \xff\xfe}]", "not valid YAML"),
        (b"brands: \x00", "not valid YAML"),
        ("brands: [{name: A}]", "(a brand without id)"),
        ("brands: [{id: a}]", "brand a: "),
        ("brands: [{id: Ä, name: A}]", "brand Ä: "),
        ("brands: [{id: a, name: ''}]", "name must not be empty"),
        ("brands: [{id: a, name: A, names: B}]", "names must be a list, and is text"),
        ("brands: [{id: a, name: A, name_s: [B]}]", "did you mean name"),
        ("brands: [{id: a, name: A, handels: [B]}]", "did you mean handles?"),
        ("brands: [{id: a, name: A, zzz: 1}]", "known are id, name, names"),
        (
            "brands: [{id: a, name: A, alerts: {sensitivity: 11}}]",
            "alerts.sensitivity must be at most 10",
        ),
        ("brands: [{id: a, name: A, alerts: {quiet_hours: at night}}]", "22:00-07:00"),
        (
            "brands: [{id: a, name: A, alerts: {quiet_events: [Sundays]}}]",
            "brand a: quiet_events has 'Sundays'; write it as Sun 19:00-21:30 Europe/Paris",
        ),
        ("brands: [{id: a, name: A, alerts: {channels: {'6': [x]}}}]", "severity '6'"),
        ("brands: [{id: a, name: A, alerts: {playbook: {'0': x}}}]", "a playbook for severity '0'"),
        ("brands: [{id: a, name: A, alerts: {playbook: {all: x}}}]", "severity 'all'"),
        ("brands: [{id: a, name: A, alerts: {playbook: call}}]", "playbook"),
        ("brands: [{id: a, name: A, alerts: {playbook: {'4': [call]}}}]", "playbook"),
        ("brands: [{id: a, name: A}, {id: a, name: B}]", "brand a is defined twice"),
        ("brands: [{id: a, name: A, query: 'a AND'}]", "the query of brand a has a mistake"),
        ("brands: [{id: a, name: A, query: 'a AND'}]", "a AND\n"),
        ("brands: [{id: a, name: A, query: 'sentiment:negative'}]", "filled after the brands"),
        (
            "brands: [{id: a, name: A, query: 'a AND aspect:price'}]",
            "search the index for it: brand:… AND aspect:…",
        ),
        ("brands: [{id: a, name: A, query: 'a AND brand:b'}]", 'query:"its id"'),
        ("brands: [{id: a, name: A, query: 'query:b'}]", "there is no query 'b'"),
        ("brands: [{id: a, name: A, query: 'query:a'}]", "in a circle"),
        ("{queries: {b: 'a OR'}, brands: [{id: a, name: A}]}", "the query 'b' has a mistake"),
        ("{queries: [b], brands: [{id: a, name: A}]}", "queries must be a map"),
        (
            "brands: [{id: a, name: A, examples: [{text: t}]}]",
            "entry 1 of examples: about is missing",
        ),
        (
            "brands: [{id: a, name: A, examples: [{text: '', about: true}]}]",
            "entry 1 of examples: text must not be empty",
        ),
        ("brands: [{id: a, name: A, examples: [{text: t, about: true}]}]", "with about: false"),
        ("brands: [{id: a, name: A, examples: [{text: t, about: false}]}]", "with about: true"),
        (
            "brands: [{id: a, name: A, minimum_confidence: 2}]",
            "minimum_confidence must be at most 1",
        ),
        ("brands: [{id: a, name: A, alerts: {mute_until: 2026-01-02T03:04:05}}]", "mute_until"),
        ("brands: [{id: a, name: A, alerts: {sensitivty: 2}}]", "alerts.sensitivty; did you mean"),
        ("brands: [{id: a, name: A, peers: [b]}]", "a peer b, and there is no such brand"),
        ("brands: [{id: velmora, name: A}, {id: b, name: B, peers: [velmara]}]", "mean velmora?"),
        ("brands: [{id: a, name: A, peers: [a]}]", "names itself in peers"),
        ("brands: [{id: a, name: A, owned: [velmora]}]", "such as x:velmora"),
        ("brands: [{id: a, name: A, owned: ['x:']}]", "write the source and the account"),
        ("brands: [{id: a, name: A, owned: ['https://twitter.com/vel']}]", "account: x:vel"),
        ("brands: [{id: a, name: A, owned: ['https://www.reddit.com/user/v']}]", "reddit:v"),
        (
            "brands: [{id: a, name: A, owned: ['https://bsky.app/profile/v.example']}]",
            "bluesky:v.example",
        ),
        ("brands: [{id: a, name: A, owned: ['https://[x/y']}]", "write the source"),
        ("brands: [{id: a, name: A, languages: [frensh]}]", "did you mean fr?"),
        ("brands: [{id: a, name: A, languages: [no]}]", "entry 1 of languages must be text"),
        ("brands: [{id: a, name: A}]\nbrands: [{id: b, name: B}]", "line 2 has brands a second"),
        ("brands: [{id: a, name: A, query: *phone}]", "begins with * must be in quotes"),
    ],
)
def test_an_error_is_one_sentence(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_brands(write(tmp_path, text))
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "`" not in str(caught.value) and "$" not in str(caught.value)
    if says not in ("a AND\n",) and "a mistake" not in str(caught.value):
        assert "\n" not in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        queries: {outages: panne OR}
        brands:
          - {id: a, name: A, peers: [bad, nosuch]}
          - {id: bad, name: '', query: panne}
          - {id: c, name: C, query: 'query:bad'}
          - {id: c, name: C, query: 'AND'}
        """,
    )
    file = read_brands_file(path)
    assert [brand.id for brand in file.brands] == ["a", "c"]
    told = [str(error).removeprefix(f"{path}: ").splitlines()[0] for error in file.errors]
    assert told == [
        "the query 'outages' has a mistake",
        "brand bad: name must not be empty",
        "the query of brand c has a mistake",
        "brand c is defined twice; keep one",
        "brand a has a peer nosuch, and there is no such brand; write the id of a brand of this "
        "file",
    ]


def test_peers_may_be_brands_that_are_published_already(tmp_path: Path) -> None:
    path = write(tmp_path, "brands: [{id: a, name: A, peers: [b]}]")
    assert load_brands(path, ["b"])[0].peers == ["b"]


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load_brands(tmp_path / "brands.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_brands(tmp_path)


def test_saved_queries_are_put_into_the_brands(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        queries:
          outages: panne OR coupure
        brands:
          - {id: a, name: A, query: 'corvane AND query:outages'}
          - {id: b, name: B, query: 'velmora NOT query:a'}
          - {id: c, name: C, query: 'mirabelle'}
        """,
    )
    assert [brand.query for brand in load_brands(path)] == [
        "corvane AND (panne OR coupure)",
        "velmora AND NOT (corvane AND (panne OR coupure))",
        "mirabelle",
    ]


def test_a_brand_with_a_query_needs_no_names(tmp_path: Path) -> None:
    (brand,) = load_brands(write(tmp_path, "brands: [{id: a, name: '…', query: orange}]"))
    assert (brand.names, brand.query) == ([], "orange")
