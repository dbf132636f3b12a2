"""Which servers `auto` takes: the real Elasticsearch where a JDK can run it, else the embedded one.

Kafka is the real one in both. Each kind keeps its own data, so a JDK that is installed later means
an empty stack; the report says where the other data is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack import (
    Endpoints,
    Launched,
    LocalStackName,
    Progress,
    Stack,
    StackError,
    open_stack,
)
from tocsin.local.stack.account import server_account
from tocsin.local.stack.elasticsearch_server import ElasticsearchServer
from tocsin.local.stack.embedded import noida_binary
from tocsin.local.stack.java import JavaMissing, find_java


@dataclass(frozen=True)
class Selection:
    name: LocalStackName
    reason: str
    """One line: which Elasticsearch, and why."""


def select_stack(environment: Mapping[str, str] | None = None) -> Selection:
    """The stack that this machine can run, found without starting anything.

    :raises StackError: there is neither a JDK for the real Elasticsearch nor an embedded one.
    """
    server = ElasticsearchServer
    try:
        java = find_java(
            server.MIN_JAVA,
            server.label,
            server_account(),
            environment,
            modules=server.JAVA_MODULES,
        )
    except JavaMissing as missing:
        try:
            noida_binary()
        except StackError as error:
            raise StackError(
                f"Elasticsearch needs a JDK {server.MIN_JAVA} or newer, and {missing.reason}; the "
                "embedded one (noida-db) is not installed or does not run on this machine: "
                f"install a JDK {server.MIN_JAVA} or newer."
            ) from error
        return Selection(
            "embedded", f"Elasticsearch: the embedded one (noida-db), since {missing.reason}"
        )
    return Selection(
        "engines", f"Elasticsearch: the real one, on the JDK {java.major} of {java.home}"
    )


class AutoStack:
    """Selects when it starts, and says what it took and why."""

    def __init__(self, data_dir: Path, *, short_lived: bool) -> None:
        self._data_dir = data_dir
        self._short_lived = short_lived
        self._stack: Stack | None = None

    def start(self, progress: Progress, launched: Launched = lambda endpoints: None) -> Endpoints:
        if self._stack is None:
            selection = select_stack()
            progress(selection.reason)
            if elsewhere := data_elsewhere(self._data_dir, selection.name):
                progress(elsewhere)
            self._stack = open_stack(selection.name, self._data_dir, short_lived=self._short_lived)
        return self._stack.start(progress, launched)

    def stop(self) -> None:
        if self._stack is not None:
            self._stack.stop()

    def failure(self) -> str | None:
        return self._stack.failure() if self._stack is not None else None


def data_elsewhere(data_dir: Path, name: LocalStackName) -> str | None:
    """A sentence if only the other kind of stack has data here.

    :param data_dir: for example `.tocsin/engines/data`; the other is `.tocsin/embedded/data`.
    """
    other: LocalStackName = "embedded" if name == "engines" else "engines"
    beside = data_dir.parent.parent / other
    if data_dir.parent.name != name or (data_dir / "kafka").is_dir():
        return None
    if not (beside / data_dir.name / "kafka").is_dir():
        return None
    return (
        f"this stack starts empty: what was read before is in {beside}, "
        f"and --stack {other} continues with it"
    )
