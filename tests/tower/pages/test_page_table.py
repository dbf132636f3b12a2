"""The table of pages: each has what its templates, its keys and its routes need."""

import importlib.resources

import pytest

from tower.pages.page_table import PAGES, Page
from tower.pages.vocabulary import texts
from tower.questions.question import Ask
from tower.questions.question_table import QUESTIONS
from tower.questions.scope import BadParameter

TEMPLATES = importlib.resources.files("tower.pages") / "templates" / "panels"


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.name)
def test_a_page_has_a_name_templates_and_questions(page: Page) -> None:
    assert f"page.{page.name}" in texts("en")
    names = [panel.name for panel in page.panels]
    assert len(set(names)) == len(names)
    for panel in page.panels:
        assert (TEMPLATES / f"{panel.template or panel.name}.html").is_file()
        assert QUESTIONS[panel.question.name] is panel.question
        assert panel.params.keys() <= set(panel.question.ask.__struct_fields__)


def test_a_letter_goes_to_one_page() -> None:
    keys = [page.key for page in PAGES.values() if page.in_rail]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 1 for key in keys)


def test_a_panel_asks_with_the_parameters_of_the_page_and_of_the_person() -> None:
    wall = next(panel for panel in PAGES["wall"].panels if panel.name == "cards")
    ask = wall.ask(Ask(q="panne", last="7d", tz="Europe/Paris"), {"order": "widest", "kiosk": "1"})
    assert (ask.q, ask.last, ask.tz) == ("panne", "7d", "Europe/Paris")
    assert getattr(ask, "order", None) == "widest"
    with pytest.raises(BadParameter) as raised:
        wall.ask(Ask(), {"order": "best"})
    assert raised.value.name == "order"
