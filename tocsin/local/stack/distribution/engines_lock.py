"""The lock of the servers' files: each with its size and SHA-256, against mirrors and bad lines.

The POMs pin the versions. After a change of versions run `python -m
tocsin.local.stack.distribution.server_files --relock` and review the difference. The lock holds no
address.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack import StackError
from tocsin.local.stack.servers import Component

FOLDER = Path(__file__).parent
LOCK = FOLDER / "engines.lock"
ELASTICSEARCH = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:"
RELOCK = "python -m tocsin.local.stack.distribution.server_files --relock"


@dataclass(frozen=True)
class LockedFile:
    """One line of the lock: what a repository must deliver, byte for byte."""

    coordinate: str
    """`group:artifact:version:extension`."""
    size: int
    sha256: str

    @property
    def name(self) -> str:
        _, artifact, version, extension = self.coordinate.split(":")
        return f"{artifact}-{version}.{extension}"

    @property
    def repository_path(self) -> str:
        """Where a Maven repository holds it, relative to its address."""
        group, artifact, version, _ = self.coordinate.split(":")
        return "/".join((*group.split("."), artifact, version, self.name))

    @property
    def component(self) -> Component:
        return "elasticsearch" if self.coordinate.startswith(ELASTICSEARCH) else "kafka"


def read_lock(component: Component) -> list[LockedFile]:
    """The files of one server."""
    lines = [line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    files = [LockedFile(name, int(size), checksum) for checksum, size, name in lines]
    return [file for file in files if file.component == component]


def lock_text(files: Iterable[LockedFile]) -> str:
    """The text of the lock file, sorted by coordinate for reviews."""
    header = f"# Written by `{RELOCK}`; sha256  bytes  group:artifact:version:ext\n"
    ordered = sorted(files, key=lambda file: file.coordinate)
    return header + "".join(
        f"{file.sha256}  {file.size:>9}  {file.coordinate}\n" for file in ordered
    )


def files_below(repository: Path) -> dict[LockedFile, Path]:
    """The jars and zips below a folder in repository layout, as they are."""
    files: dict[LockedFile, Path] = {}
    for path in sorted(repository.rglob("*")):
        if path.suffix in {".jar", ".zip"}:
            *group, artifact, version, _ = path.relative_to(repository).parts
            coordinate = f"{'.'.join(group)}:{artifact}:{version}:{path.suffix[1:]}"
            files[LockedFile(coordinate, path.stat().st_size, sha256(path))] = path
    return files


def verify(files: Mapping[LockedFile, Path], lock: Iterable[LockedFile]) -> None:
    """Refuse a file that differs from the lock, that it does not name, or that is missing."""
    on_purpose = f"if a POM was changed on purpose, run `{RELOCK}`."
    locked = {file.coordinate: file for file in lock}
    delivered = {file.coordinate for file in files}
    if missing := sorted(locked.keys() - delivered):
        raise StackError(
            f"Maven did not deliver {missing[0]}, which engines.lock names: {on_purpose}"
        )
    for file in files:
        if file.coordinate not in locked:
            raise StackError(
                f"Maven delivered {file.coordinate}, which engines.lock does not name: {on_purpose}"
            )
        if file != locked[file.coordinate]:
            raise StackError(
                f"The checksum of {file.coordinate} is not the one in engines.lock: remove this "
                "artifact from Maven's local repository and try again; if it still differs, do not "
                "trust the repository that it comes from."
            )


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
