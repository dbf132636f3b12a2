"""The lifecycle policy of Elasticsearch has the shapes that its documentation names."""

import json
import re
from typing import Any

from runtime.settings import ElasticsearchSettings, load
from sinks.elasticsearch.indices.mappings import templates
from tests.deploy.compose import DEPLOY, TOP

POLICY: dict[str, Any] = json.loads((DEPLOY / "elasticsearch" / "ilm.json").read_bytes())["policy"]
ACTIONS = {
    "hot": {"set_priority", "unfollow", "rollover", "readonly", "downsample", "shrink",
            "forcemerge", "searchable_snapshot"},
    "warm": {"set_priority", "unfollow", "readonly", "downsample", "allocate", "migrate",
             "shrink", "forcemerge"},
    "cold": {"set_priority", "unfollow", "readonly", "downsample", "searchable_snapshot",
             "allocate", "migrate"},
    "frozen": {"unfollow", "searchable_snapshot"},
    "delete": {"wait_for_snapshot", "delete"},
}  # fmt: skip
"""The actions that each phase may have, in the order of the phases (Elasticsearch 9)."""


def _days(age: str) -> float:
    match = re.fullmatch(r"(\d+)(d|h|m|s|ms)", age)
    assert match, age
    return int(match[1]) / {"d": 1, "h": 24, "m": 1440, "s": 86400, "ms": 86400e3}[match[2]]


def test_phases_and_actions_are_those_of_elasticsearch_in_order() -> None:
    phases = POLICY["phases"]
    assert list(phases) == [name for name in ACTIONS if name in phases]
    ages = [_days(phase["min_age"]) for phase in phases.values()]
    assert ages == sorted(ages)
    for name, phase in phases.items():
        assert phase.keys() == {"min_age", "actions"}
        assert phase["actions"].keys() <= ACTIONS[name], name
    priorities = [
        p["actions"]["set_priority"]["priority"] for n, p in phases.items() if n != "delete"
    ]
    assert priorities == sorted(priorities, reverse=True)


def test_it_fits_plain_monthly_indices_that_are_still_written() -> None:
    """No rollover, since mentions go to the month of their event; edits and erasures come late."""
    for phase in POLICY["phases"].values():
        assert not phase["actions"].keys() & {
            "rollover",
            "readonly",
            "forcemerge",
            "shrink",
            "searchable_snapshot",
        }
    assert _days(POLICY["phases"]["warm"]["min_age"]) > 31


def test_only_mentions_take_the_policy_and_only_if_it_is_set() -> None:
    plain = templates(load(ElasticsearchSettings))
    assert not any("lifecycle" in t["template"]["settings"]["index"] for t in plain.values())
    named = templates(load(ElasticsearchSettings, ilm_policy="tocsin-mentions"))
    taken = {
        name: template["template"]["settings"]["index"].get("lifecycle")
        for name, template in named.items()
    }
    mentions = {"name": "tocsin-mentions"}
    names = ("alerts", "erasures", "removals", "coverage", "tabs", "reports")
    others = tuple(f"tocsin-{name}" for name in names)
    assert taken == {"tocsin-mentions": mentions, **dict.fromkeys(others)}


def test_the_page_tells_how_to_apply_it() -> None:
    page = (TOP / "docs" / "operations.md").read_text("utf-8")
    assert "--data-binary @deploy/elasticsearch/ilm.json" in page
    assert "_ilm/policy/tocsin-mentions" in page
    assert "TOCSIN_ELASTICSEARCH_ILM_POLICY=tocsin-mentions" in page
