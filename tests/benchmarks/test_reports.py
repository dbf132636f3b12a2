"""Reports name what was measured, and what could not be."""

from pathlib import Path

from benchmarks import machine, nlp
from benchmarks.accuracy.__main__ import head
from benchmarks.accuracy.context import Context
from benchmarks.accuracy.sets import DataSets
from benchmarks.markdown import table


def test_a_table() -> None:
    assert table(["a", "b"], [[1, "x|y"]]) == ["| a | b |", "|---|---|", "| 1 | x\\|y |", ""]
    assert table(["a"], []) == []


def test_what_is_not_installed_is_left_out() -> None:
    assert machine.version_of("tocsin-never-published") is None
    *_, software = machine.describe(("numpy", "tocsin-never-published"))
    assert "numpy" in software
    assert "never" not in software


def test_an_error_does_not_say_where_the_report_was_made() -> None:
    here = Path(machine.__file__)
    assert machine.without_folder(OSError(f"no {here}")) == "no benchmarks/machine.py"


def test_a_trial_says_that_it_is_one(tmp_path: Path) -> None:
    context = Context(DataSets(tmp_path, 7))
    context.sets.labelled("sentiment/none")
    context.not_installed(["some-library", "some-library"])
    page = "\n".join(head(context, "python -m benchmarks.accuracy"))
    assert "A trial run over the first 7 rows" in page
    assert page.count("some-library: not installed") == 1
    assert "missing: sentiment/none" in page
    assert "trial" not in "\n".join(head(Context(DataSets(tmp_path)), ""))


def test_copies_are_left_out() -> None:
    lines = [b'{"id": "%d", "text": "%s"}' % (n, text) for n, text in enumerate([b"a", b"b", b"a"])]
    assert nlp.different(lines) == lines[:2]


def test_a_missing_model_leaves_a_row_that_says_so() -> None:
    rates = [10.0, 20.0]
    speed = {"annotators": {"language": rates}, "sizes": {str(n): rates for n in nlp.SIZES}}
    speed |= {"records": [*rates, 812.0], "mib": 99.0}
    language = {"seconds": 0.5, "mib": 4.4, "version": "1"}
    loads = {"language": language, "encoder": {"missing": "no files"}}
    page = nlp.report(loads, {"fast": speed}, 500, ["# Title"])
    assert "| language | 1 | 10 (20) | 0.50 | 4 |" in page
    assert "| encoder | no files | – | – | – |" in page
    assert "| 128 | 10 (20) |" in page
    assert "| fast | 10 (20) | 812 | 99 |" in page
