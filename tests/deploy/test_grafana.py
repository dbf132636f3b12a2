"""The dashboards of Grafana: written from their source, whole, and each panel says what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.__main__ import DASHBOARDS, written
from deploy.grafana.dashboard_layout import COLUMNS, TAG, read_dashboard
from docs import generate
from tests.deploy.compose import DEPLOY, SERVICES
from tests.deploy.grafana_files import BOARDS, metrics_in, panels, variables
from tests.deploy.grid import overlap

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_bytes())["groups"]
    for rule in group["rules"]
]
SCRAPES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_bytes())
UNITS = {"short", "cps", "s", "h", "bytes", "Bps", "percentunit"}
"""Units of Grafana that the dashboards use."""
each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


def test_the_files_are_what_the_sources_say() -> None:
    texts = {file: file.read_text("utf-8") for file in DASHBOARDS.glob("*.json")}
    assert texts == written(), "python -m deploy.grafana"


def test_there_is_a_dashboard_for_the_pipeline_for_crises_and_for_cost() -> None:
    assert BOARDS.keys() == {"tocsin", "tocsin-crisis", "tocsin-cost"}
    for name, board in BOARDS.items():
        assert board["uid"] == name
        assert board["tags"] == [TAG] and board["links"][0]["tags"] == [TAG]
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).stem in BOARDS


@each_board
def test_a_dashboard_asks_any_datasource_and_finds_the_provisioned_one(
    board: dict[str, Any],
) -> None:
    folder = DEPLOY / "grafana" / "provisioning"
    provisioned = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_bytes())
    (source,) = provisioned["datasources"]
    queries = [v for v in variables(board).values() if v["type"] == "query"]
    asked = [*panels(board), *board["annotations"]["list"], *queries]
    assert {each["datasource"]["uid"] for each in asked} == {"${datasource}"}
    assert source["uid"] not in json.dumps(board)
    assert source["isDefault"] and variables(board)["datasource"]["query"] == source["type"]
    assert source["jsonData"]["timeInterval"] == SCRAPES["global"]["scrape_interval"]
    port = SERVICES["prometheus"]["ports"][0].rpartition(":")[2]
    assert source["url"] == f"http://prometheus:{port}"
    (provider,) = yaml.safe_load((folder / "dashboards" / "tocsin.yml").read_bytes())["providers"]
    mount = f"./deploy/grafana/dashboards:{provider['options']['path']}:ro"
    assert mount in SERVICES["grafana"]["volumes"]


@each_board
def test_every_panel_has_a_description_a_unit_and_a_title_of_its_own(board: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in panels(board)]
    assert len(titles) == len(set(titles))
    for panel in panels(board):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["targets"]
        legends = [target["legendFormat"] for target in panel["targets"]]
        assert panel["type"] == "stat" or all(legends), panel["title"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(letters) == len(set(letters))


@each_board
def test_a_panel_links_to_runbooks_that_exist_and_are_about_it(board: dict[str, Any]) -> None:
    rules = {rule["alert"]: rule for rule in RULES}
    page = (generate.DOCS / "runbooks.md").read_text("utf-8")
    for panel in panels(board):
        shown = set().union(*(metrics_in(target["expr"]) for target in panel["targets"]))
        for link in panel.get("links", ()):
            name = link["title"]
            assert link["url"] == f"${{runbooks:raw}}#{name.lower()}"
            assert f"### {name}\n" in page
            # A source is blind because it is silent; the rule asks another metric.
            blind = "tocsin_detector_blind" in shown and name == "TocsinSourceSilent"
            assert blind or metrics_in(rules[name]["expr"]) & shown, (panel["title"], name)


def test_every_alert_has_a_panel_that_links_to_its_runbook() -> None:
    linked = {
        link["title"]
        for board in BOARDS.values()
        for panel in panels(board)
        for link in panel.get("links", ())
    }
    assert linked == {rule["alert"] for rule in RULES}


def test_the_runbooks_of_the_dashboards_are_those_of_the_rules() -> None:
    (page,) = {rule["annotations"]["runbook_url"].partition("#")[0] for rule in RULES}
    for board in BOARDS.values():
        assert variables(board)["runbooks"]["query"] == page


@each_board
def test_each_variable_is_used_and_each_used_one_exists(board: dict[str, Any]) -> None:
    used = json.dumps([board["panels"], board["annotations"]])
    named = set(re.findall(r"\$\{?([a-z]+)", used))
    assert named == variables(board).keys()


def test_the_panels_of_sources_ask_for_the_chosen_sources() -> None:
    served = generate.all_metrics()
    for board in BOARDS.values():
        if "source" not in variables(board):
            continue
        for panel in panels(board):
            for target in panel["targets"]:
                for name, chosen in re.findall(
                    r"\b(tocsin_ingest_\w+)(\{[^}]*\})?", target["expr"]
                ):
                    if "source" in served[name]._labelnames:
                        assert 'source=~"$source"' in chosen, panel["title"]


@each_board
def test_figures_have_limits_in_their_order(board: dict[str, Any]) -> None:
    for panel in panels(board):
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        assert len(steps) > 1 or panel["type"] != "stat", panel["title"]
        values = [step["value"] for step in steps]
        assert values[:1] in ([], [None])
        assert values[1:] == sorted(values[1:])


@each_board
def test_what_is_not_known_is_a_gap_and_no_zero(board: dict[str, Any]) -> None:
    """No line over a gap; and a zero needs a service that answers, else calm is missing data."""
    for panel in panels(board):
        if panel["type"] == "timeseries":
            assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False
        for target in panel["targets"]:
            told, _, instead = target["expr"].partition(" or ")
            if re.search(r"vector\(0\)", target["expr"]):
                assert metrics_in(told) == {"up"}, panel["title"]
            elif instead:
                assert re.fullmatch(r'0 \* max\(up\{job=~?"tocsin-[^"]+"\} == 1\)', instead)


@each_board
def test_panels_have_their_own_ids_and_areas(board: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert not overlap([panel["gridPos"] for panel in board["panels"]], COLUMNS)
    for top in {panel["gridPos"]["y"] for panel in board["panels"]}:
        row = [panel["gridPos"] for panel in board["panels"] if panel["gridPos"]["y"] == top]
        assert len({area["h"] for area in row}) == 1, "panels of one line have one height"


def test_a_figure_of_cost_is_by_message_tier_sink_or_byte() -> None:
    """CPU, memory, time and bytes, each by what they are spent on."""
    shown = {
        name
        for panel in panels(BOARDS["tocsin-cost"])
        for target in panel["targets"]
        for name in metrics_in(target["expr"])
    }
    assert shown >= {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "tocsin_process_annotator_seconds_total",
        "tocsin_process_enriched_total",
        "tocsin_process_batch_seconds",
        "tocsin_sink_batch_seconds",
        "tocsin_sink_written_bytes_total",
        "tocsin_sink_searchable_latency_seconds",
        "tocsin_retention_seconds",
    }


def test_a_wrong_field_of_a_dashboard_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "board.yaml"
    file.write_text("uid: a\ntitle: A\ndescription: A.\nrows: []\nrefesh: 1m\n")
    with pytest.raises(Exception, match="refesh"):
        read_dashboard(file)
