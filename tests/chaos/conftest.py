"""Chooses scenarios, gives each a pipeline, and writes its row whatever happens."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.proxied_engines import ProxiedEngines
from tests.chaos.proxy import TcpProxy
from tests.chaos.rig import ChaosPipeline
from tests.chaos.scenario import Options, Row, Run, is_finished, number_of
from tests.stack_fixtures import RunningEngines

ROW = pytest.StashKey[Row]()
MAX_DETAIL = 600


def scenario_of(item: pytest.Item) -> tuple[str, str, bool] | None:
    """Name, title, and whether it is in the CI subset."""
    mark = item.get_closest_marker("chaos")
    if mark is None:
        return None
    name, title = mark.args
    case = getattr(item, "callspec", None)
    if case is not None and (role := case.params.get("role")):
        name = f"{name}-{role}"
    return name, title, bool(mark.kwargs.get("ci", False))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    options = Options.of_environment()
    kept, dropped = [], []
    for item in items:
        found = scenario_of(item)
        (kept if found is None or options.takes(found[0], found[2]) else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    # Scenarios in the order of their numbers, as in the report; other tests stay where they are.
    ordered = iter(sorted(filter(scenario_of, kept), key=_order))
    items[:] = [next(ordered) if scenario_of(item) else item for item in kept]


def _order(item: pytest.Item) -> tuple[int, str]:
    found = scenario_of(item)
    assert found is not None
    return number_of(found[0]), found[0]


def pytest_runtest_setup(item: pytest.Item) -> None:
    found = scenario_of(item)
    if found is not None and is_finished(Options.of_environment(), found[0]):
        pytest.skip("finished in an earlier run; AFRESH=1 runs it again")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]
    row = item.stash.get(ROW, None)
    if row is None or (report.when == "setup" and report.passed):
        return
    if report.when == "call":
        row.passed = report.passed
    if report.failed:
        row.passed = False
        why = str(call.excinfo.value) if call.excinfo is not None else ""
        # What the services logged follows after a line of dashes.
        row.detail = row.detail or " ".join(why.partition("\n---")[0].split())[:MAX_DETAIL]
    if report.skipped:
        row.skipped = str(call.excinfo.value) if call.excinfo is not None else "skipped"
    row.write(Options.of_environment().folder)


@pytest.fixture(scope="session")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ProxiedEngines, TcpProxy]]:
    """The engines, with a proxy in front of Kafka, for all scenarios of a session."""
    from tests.stack_fixtures import _folder

    for folder in _folder():
        stack = ProxiedEngines(folder)
        try:
            stack.start(lambda line: None)
            with TcpProxy(stack.proxy_port, stack.inner_port) as proxy:
                yield stack, proxy
        finally:
            stack.stop()


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    found = scenario_of(request.node)
    assert found is not None, "a scenario has the mark chaos"
    row = Row(found[0], found[1])
    request.node.stash[ROW] = row
    return row


@pytest.fixture
def run(row: Row, proxied: tuple[ProxiedEngines, TcpProxy], tmp_path: Path) -> Iterator[Run]:
    stack, proxy = proxied
    endpoints = stack.start(lambda line: None)
    proxy.harm(None)
    proxy.fired.clear()
    options = Options.of_environment()
    with closing(ChaosPipeline(RunningEngines(stack, endpoints), tmp_path)) as pipeline:
        run = Run(row, options, pipeline, stack, proxy)
        with run.gauges:
            try:
                yield run
            finally:
                proxy.harm(None)
                run.note_end()
                run.add_faults(run.nemesis.fired)
        if row.passed:
            run.judge()
        if os.environ.get("CHAOS_LOGS"):
            keep_logs(pipeline, options.folder / row.scenario)


def keep_logs(pipeline: ChaosPipeline, folder: Path) -> None:
    """Copies what the services wrote, for a look afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    for child in pipeline.children:
        (folder / child.log.name).write_bytes(child.log.read_bytes())
