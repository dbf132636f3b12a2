"""The page of the demo: its output is replaced between the marks, and nothing else."""

import pytest

from docs.demo_output import PAGE, with_output, without_places


def test_the_output_stands_between_the_marks() -> None:
    page = "before\n<!-- output -->\nold\n<!-- /output -->\nafter\n"
    written = "before\n<!-- output -->\n\n    new\n\n<!-- /output -->\nafter\n"
    assert with_output(page, "new\n\n") == written
    assert with_output(written, "new") == written


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        with_output("nothing", "new")


def test_the_output_names_no_folder_of_the_writer() -> None:
    assert without_places("logs: /tmp/x/.tocsin  \nend", "/tmp/x") == "logs: ~/tocsin/.tocsin\nend"


def test_the_page_has_a_place_for_the_output() -> None:
    assert "new output" in with_output(PAGE.read_text("utf-8"), "new output")
