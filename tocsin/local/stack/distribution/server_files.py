"""Installs the files of one server in the cache: fetched once, and only as the lock names them.

Maven fetches them where `mvn` is on the PATH, since it knows its own settings best; otherwise, or
where it fails, they come from the repository that its settings name, without it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from tocsin.local.stack import Progress, StackError
from tocsin.local.stack.account import Account, server_account
from tocsin.local.stack.distribution.downloads import Downloader
from tocsin.local.stack.distribution.engines_lock import (
    FOLDER,
    LOCK,
    LockedFile,
    files_below,
    lock_text,
    read_lock,
    verify,
)
from tocsin.local.stack.distribution.maven_settings import VARIABLE, find_repository
from tocsin.local.stack.folders import CACHE_ADVICE, folder_errors, open_cache_folder
from tocsin.local.stack.servers import Component

COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
MACHINE_CACHE = Path("/var/cache/tocsin")
MAVEN_SECONDS = 1200.0
TITLES: Mapping[Component, str] = {"kafka": "Kafka", "elasticsearch": "Elasticsearch"}


def cache_folder(account: Account, environment: Mapping[str, str] | None = None) -> Path:
    """A folder for downloads that the servers' account can read.

    TOCSIN_CACHE_DIR is used or refused with an error. Otherwise the user's cache; root's home is
    closed to the account that root starts servers under, then it is /var/cache/tocsin.
    """
    variables = os.environ if environment is None else environment
    if chosen := variables.get("TOCSIN_CACHE_DIR"):
        folder = Path(chosen).absolute()
        if barrier := account.barrier(folder / "engines"):
            raise StackError(
                f"TOCSIN_CACHE_DIR is {folder}, but the user {account.name} that runs the servers "
                f"cannot pass through {barrier}: choose another folder, or open that one."
            )
        return folder
    base = variables.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base).absolute() / "tocsin"
    return MACHINE_CACHE if account.barrier(folder / "engines") else folder


def install(
    component: Component,
    cache: Path,
    progress: Progress,
    environment: Mapping[str, str] | None = None,
    lock: Sequence[LockedFile] | None = None,
) -> Path:
    """The folder of one server's verified files, fetched the first time.

    Everything is prepared in another folder and renamed at the end, so an interrupted or refused
    installation never looks complete.
    """
    lock = read_lock(component) if lock is None else lock
    mark = hashlib.sha256(lock_text(lock).encode()).hexdigest()[:16]
    home = cache / "engines" / f"{component}-{mark}"
    if home.is_dir():
        return home
    open_cache_folder(home.parent)
    with (
        folder_errors(home.parent, CACHE_ADVICE),
        tempfile.TemporaryDirectory(dir=home.parent, prefix="fetching-") as scratch,
    ):
        megabytes = sum(file.size for file in lock) / 1e6
        progress(f"fetching {TITLES[component]} ({len(lock)} files, {megabytes:.0f} MB, once)")
        files = _fetch(component, lock, Path(scratch), cache, progress, environment)
        prepared = Path(scratch) / "prepared"
        _unpack(files, prepared)
        try:
            prepared.rename(home)
        except OSError:
            if not home.is_dir():  # else another process has just installed the same
                raise
    return home


def _fetch(
    component: Component,
    lock: Sequence[LockedFile],
    scratch: Path,
    cache: Path,
    progress: Progress,
    environment: Mapping[str, str] | None,
) -> Mapping[LockedFile, Path]:
    variables = os.environ if environment is None else environment
    mvn = shutil.which("mvn", path=variables.get("PATH", ""))
    if mvn and not variables.get(VARIABLE):
        try:
            fetch_with_maven(mvn, component, scratch / "repository", variables)
            files = files_below(scratch / "repository")
            verify(files, lock)
            return files
        except StackError as error:
            progress(f"{error} Fetching without Maven.")
    repository = find_repository(environment)
    progress(f"from {repository.url} ({repository.source})")
    return Downloader(repository, cache / "engines" / "downloads", progress).fetch(lock)


def fetch_with_maven(
    mvn: str, component: Component, destination: Path, environment: Mapping[str, str]
) -> None:
    """Let Maven copy everything that the POM names into a folder, in repository layout."""
    pom = FOLDER / f"{component}.pom.xml"
    command = [mvn, "-B", "-q", "-f", str(pom), COPY_GOAL, f"-DoutputDirectory={destination}"]
    command += ["-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=dict(environment),
            timeout=MAVEN_SECONDS,
        )
    except OSError as error:
        raise StackError(f"{mvn} could not be run ({error.strerror}): check Maven.") from error
    except subprocess.TimeoutExpired as error:
        raise StackError(
            f"Maven took more than {MAVEN_SECONDS / 60:.0f} minutes: check the network."
        ) from error
    if done.returncode != 0:
        message = re.search(r"\[ERROR\] +(.+)", done.stdout + done.stderr)
        reason = message[1].split(" -> ")[0][:200] if message else "it gave no reason"
        raise StackError(
            f"Maven could not fetch {TITLES[component]} ({reason}): "
            "check the network and Maven's settings."
        )


def _unpack(files: Mapping[LockedFile, Path], home: Path) -> None:
    """Lay the files out, readable for any account whatever the umask is."""
    unpacked = home.with_name("unpacked")
    unpacked.mkdir()
    for file, path in files.items():
        if file.name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(unpacked)
            path.unlink()
        else:
            path.rename(unpacked / file.name)
    inner = list(unpacked.iterdir())
    # An archive holds one folder.
    (inner[0] if len(inner) == 1 and inner[0].is_dir() else unpacked).rename(home)
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _relock() -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise StackError("A new lock needs Maven, which resolves the POMs: install it.")
    files: list[LockedFile] = []
    for component in get_args(Component):
        with tempfile.TemporaryDirectory() as scratch:
            fetch_with_maven(mvn, component, Path(scratch), os.environ)
            files += files_below(Path(scratch))
    LOCK.write_text(lock_text(files))


def main() -> None:
    """Fetch the servers into the cache, or with `--relock` write the lock again."""
    try:
        if "--relock" in sys.argv[1:]:
            _relock()
        else:
            cache = cache_folder(server_account())
            for component in get_args(Component):
                install(component, cache, print)
    except StackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
