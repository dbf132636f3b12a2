"""Set-up: from nothing, again, and from an older mapping; what it must not do to a newer one."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch as Client

from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError
from sinks.elasticsearch.indices.mappings import (
    MENTION_PROPERTIES,
    VERSION,
    IndexNames,
    mappings,
    templates,
)
from sinks.elasticsearch.indices.setup import check, setup
from tests.sinks.elasticsearch.index_server import IndexServer as Server

SETTINGS = ElasticsearchSettings()
NAMES = IndexNames(SETTINGS)
MONTH = "tocsin-mentions-2026.01"
FIRST = json.loads((Path(__file__).parent / "mapping-1.json").read_bytes())
"""The mentions' mapping of version 1, as released in 0.1.0."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def old(server: Server) -> Server:
    """A cluster that version 1 set up, with a month of mentions."""
    for name, template in copy.deepcopy(templates(SETTINGS)).items():
        template["_meta"] = {"tocsin": 1}
        template["template"]["mappings"]["_meta"] = {"tocsin": 1}
        server.templates[name] = template
    server.templates[NAMES.mentions]["template"]["mappings"] = copy.deepcopy(FIRST)
    for index in (MONTH, NAMES.alerts, NAMES.erasures):
        server.create(index)
    return server


def ready(client: Client) -> list[str]:
    said: list[str] = []
    setup(client, SETTINGS, said.append)
    return said


def test_from_nothing(server: Server, client: Client) -> None:
    with pytest.raises(ConfigurationError, match="is missing"):
        check(client, SETTINGS)
    ready(client)
    check(client, SETTINGS)
    assert server.indices.keys() == set(NAMES.fixed)
    server.create(MONTH)
    assert server.indices[MONTH] == mappings(MENTION_PROPERTIES)
    # Again it touches no index.
    server.writes.clear()
    said = ready(client)
    assert all(path.startswith("_index_template/") for path in server.writes)
    assert not [line for line in said if "migrated" in line or "created" in line]


def test_older_indices_get_the_fields_that_were_added(old: Server, client: Client) -> None:
    assert old.indices[MONTH] == FIRST
    with pytest.raises(ConfigurationError, match="is at version 1, this tocsin needs"):
        check(client, SETTINGS)
    said = ready(client)
    check(client, SETTINGS)
    assert f"index {MONTH} migrated from mapping 1 to {VERSION}" in said
    # The same fields as of an index that is made today; what was indexed goes on being so.
    today = mappings(MENTION_PROPERTIES)
    assert old.indices[MONTH] != today
    assert all_indexed(old.indices[MONTH]) == all_indexed(today)
    assert_kept(FIRST["properties"], old.indices[MONTH]["properties"])
    assert "id" in old.indices[MONTH]["properties"]["entities"]["properties"]
    assert {body["_meta"]["tocsin"] for body in old.indices.values()} == {VERSION}


def all_indexed(mapping: dict[str, Any]) -> dict[str, Any]:
    """The mapping without what an older index keeps of its fields."""
    return {
        name: all_indexed(value) if isinstance(value, dict) else value
        for name, value in mapping.items()
        if name not in ("index", "doc_values")
    }


def assert_kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, field in before.items():
        if "properties" in field:
            assert_kept(field["properties"], after[name]["properties"])
        else:
            assert after[name] == field


def test_a_field_that_is_not_there_yet_is_as_it_is_today(old: Server, client: Client) -> None:
    del old.indices[MONTH]["properties"]["language_confidence"]
    ready(client)
    field = old.indices[MONTH]["properties"]["language_confidence"]
    assert field == MENTION_PROPERTIES["language_confidence"] == {"type": "float", "index": False}


def test_the_months_are_packed(server: Server, client: Client) -> None:
    ready(client)
    assert server.templates[NAMES.mentions]["template"]["settings"]["index"]["codec"]


def test_a_field_that_is_there_with_another_type_is_refused(old: Server, client: Client) -> None:
    old.indices[MONTH]["properties"]["tier"] = {"type": "long"}
    with pytest.raises(ConfigurationError, match=f"{MONTH} cannot take mapping {VERSION}.*tier"):
        ready(client)
    assert old.indices[MONTH]["_meta"] == {"tocsin": 1}


@pytest.mark.parametrize("index", [MONTH, NAMES.erasures])
def test_what_a_newer_tocsin_made_is_left_alone_with_its_templates(
    old: Server, client: Client, index: str
) -> None:
    old.indices[index]["_meta"]["tocsin"] = VERSION + 1
    before = copy.deepcopy((old.templates, old.indices))
    with pytest.raises(ConfigurationError, match=f"index {index} has mapping .* of a newer tocsin"):
        ready(client)
    assert (old.templates, old.indices, old.writes) == (*before, [])
