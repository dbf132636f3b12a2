"""The page of the control tower names every page, question, act and role, and true limits."""

import re
from pathlib import Path
from typing import Final

import pytest

from docs import generate
from runtime.settings import TowerSettings
from tower import search_client
from tower.desk import alert_acts, jobs
from tower.live import hub, panel_push
from tower.pages.page_table import PAGES, Page
from tower.questions import question, scope, sentiment_estimate
from tower.questions.question_table import QUESTIONS
from tower.questions.value_counts import FIELDS
from tower.security import request_guard
from tower.security.users import RANKS, load_accounts

PAGE: Final = (generate.DOCS / "tower.md").read_text("utf-8")
TEXT: Final = " ".join(PAGE.split())


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_in_the_table_of_the_api(name: str) -> None:
    assert f"\n| `{name}` | " in PAGE.partition("## The API")[2]


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_page_is_in_the_table_of_pages_with_its_key(page: Page) -> None:
    section = PAGE.partition("### Pages")[2].partition("\n### ")[0]
    assert f"| `{page.path}`" in section
    (keys,) = re.findall(r"\| `g`, then `([a-z ]+)` \|", PAGE)
    assert page.key in keys.split()


def test_every_field_act_and_role_is_named() -> None:
    for name in FIELDS:
        assert re.search(rf"\b{name}\b", PAGE.partition("| `values` |")[2].partition("\n")[0]), name
    for act in alert_acts.ACTS:
        assert f"/{act}`" in PAGE
    for verdict in alert_acts.VERDICTS:
        assert f"`{verdict}`" in PAGE
    for role in RANKS:
        assert f"\n| `{role}` | " in PAGE


def test_settings_that_the_page_names_exist() -> None:
    prefix = "TOCSIN_TOWER_"
    for name in set(re.findall(rf"\b{prefix}([A-Z_]+)\b", PAGE)):
        assert name.lower() in TowerSettings.model_fields, name


def test_the_users_file_can_be_read_and_shows_every_role(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(users:.*?)```", PAGE, re.DOTALL)
    (path := tmp_path / "users.yaml").write_text(block, "utf-8")
    accounts = load_accounts(path)
    names = re.findall(r"name: (\S+)", block)
    found = [account for name in names if (account := accounts.named(name))]
    assert {account.role for account in found} == set(RANKS)
    assert any(account.tokens for account in found)


LIMITS: Final = {
    f"fewer than {sentiment_estimate.MIN_SCORED} labels",
    f"more than {sentiment_estimate.MAX_UNKNOWN:.0%} of the labels".replace("%", " %"),
    f"new every {panel_push.TICK_S:.0f} seconds",
    f"once every {scope.LIVE_TICK.seconds} seconds",
    f"{hub.MAX_QUEUE}; then the oldest",
    f"{search_client.THREADS} requests, {search_client.SEARCH_S:.0f} seconds each",
    f"{jobs.DEADLINE_S:.0f} seconds each",
    f"{request_guard.MAX_BODY // 1024} kB, {request_guard.MAX_TARGET:,} bytes, "
    f"{question.MAX_QUERY:,} characters",
    f"| {scope.MAX_WINDOW.days} days |",
}


@pytest.mark.parametrize("said", sorted(LIMITS))
def test_the_limits_are_those_of_the_code(said: str) -> None:
    assert said in TEXT
