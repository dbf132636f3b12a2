"""The tabs of a person: a few, each with a name of its own, one document a person."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from elasticsearch import Elasticsearch
from hypothesis import given
from hypothesis import strategies as st

from runtime.settings import ElasticsearchSettings, load
from schemas.errors import ConfigurationError
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from tests.strategies import ANY_TEXT
from tests.tocsin.local.stack.records import quiet
from tower.desk.tab_store import MAX_NAME, MAX_TABS, SavedTab, TabStore, with_tab, without_tab

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@given(st.lists(st.tuples(ANY_TEXT | st.sampled_from(["a", "b", " a "]), ANY_TEXT), max_size=30))
def test_any_tabs_are_few_and_named_apart(given_: list[tuple[str, str]]) -> None:
    tabs: list[SavedTab] = []
    for name, query in given_:
        try:
            tabs = with_tab(tabs, name, query)
        except ConfigurationError as error:
            assert str(error)
            continue
        assert SavedTab(name=" ".join(name.split()), query=query) in tabs
    names = [tab.name for tab in tabs]
    assert len(names) == len(set(names)) <= MAX_TABS
    assert all(0 < len(name) <= MAX_NAME for name in names)
    for name in names:
        tabs = without_tab(tabs, name)
    assert tabs == []


def test_a_tab_of_the_same_name_is_replaced_in_its_place() -> None:
    tabs = [SavedTab(name=name) for name in ("a", "b", "c")]
    assert with_tab(tabs, "b", "panne") == [tabs[0], SavedTab(name="b", query="panne"), tabs[2]]


def test_there_are_at_most_so_many_and_one_can_be_replaced() -> None:
    tabs = [SavedTab(name=str(number)) for number in range(MAX_TABS)]
    with pytest.raises(ConfigurationError, match="take one out"):
        with_tab(tabs, "more", "")
    assert len(with_tab(tabs, "7", "panne")) == MAX_TABS


def test_a_query_that_is_too_long_is_not_cut() -> None:
    with pytest.raises(ConfigurationError, match=r"at most 4,000 characters"):
        with_tab([], "a", "x" * 4_001)


@pytest.fixture
def client(url: str) -> Iterator[Elasticsearch]:
    settings = load(ElasticsearchSettings, url=url, index_prefix="tabs-")
    with connect(settings) as client:
        setup(client, settings, quiet)
        yield client


def store(client: Elasticsearch, url: str) -> TabStore:
    settings = load(ElasticsearchSettings, url=url, index_prefix="tabs-")
    return TabStore(client, settings, IndexNames(settings).tabs)


@pytest.mark.embedded
def test_the_tabs_of_a_person_are_theirs(client: Elasticsearch, url: str) -> None:
    tabs = store(client, url)
    tabs.change("ana é", AT, lambda known: with_tab(known, "mine", '"panne" AND lang:fr'))
    written = tabs.change("ana é", AT, lambda known: with_tab(known, "other", ""))
    assert [tab.name for tab in written] == ["mine", "other"]
    assert store(client, url).load("ana é") == written
    for other in ("ana", "é", "ANA é", "*", ""):
        assert tabs.load(other) == []


@pytest.mark.embedded
def test_of_changes_at_a_time_none_is_lost(client: Elasticsearch, url: str) -> None:
    tabs, gate = store(client, url), threading.Barrier(4)

    def save(name: str) -> None:
        gate.wait(20)
        tabs.change("ben", AT, lambda known: with_tab(known, name, ""))

    threads = [threading.Thread(target=save, args=(f"tab {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {tab.name for tab in tabs.load("ben")} == {f"tab {n}" for n in range(4)}


@pytest.mark.embedded
def test_without_the_index_there_are_no_tabs(client: Elasticsearch, url: str) -> None:
    settings = load(ElasticsearchSettings, url=url, index_prefix="absent-")
    assert TabStore(client, settings, IndexNames(settings).tabs).load("ana") == []
