"""Fetches the servers through `mvn`, and accepts only the files that the lock names.

kafka.pom.xml pins the versions; engines.lock holds the SHA-256 of every file, against mirrors and
broken downloads. After a change of versions run `python -m tocsin.local.stack.maven --relock` and
review the difference. The lock holds no address: Maven's configuration says where files come from.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tocsin.local.stack import Progress, StackError
from tocsin.local.stack.account import Account, server_account

FOLDER = Path(__file__).parent
POM = FOLDER / "kafka.pom.xml"
LOCK = FOLDER / "engines.lock"
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
ELASTICSEARCH = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:"
MACHINE_CACHE = Path("/var/cache/tocsin")
RELOCK = "python -m tocsin.local.stack.maven --relock"

Lock = Mapping[str, str]
"""From `group:artifact:version:ext` to the SHA-256 of that file."""


def read_lock() -> Lock:
    lines = [line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    return {name: checksum for checksum, name in lines}


def write_lock(lock: Lock) -> str:
    """The text of the lock file, sorted by coordinate for reviews."""
    header = f"# Written by `{RELOCK}`; sha256  group:artifact:version:ext\n"
    return header + "".join(f"{lock[name]}  {name}\n" for name in sorted(lock))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def artifacts(repository: Path) -> dict[str, Path]:
    """The jars and zips below a folder in repository layout, by `group:artifact:version:ext`."""
    files: dict[str, Path] = {}
    for path in sorted(repository.rglob("*")):
        if path.suffix in {".jar", ".zip"}:
            *group, artifact, version, _ = path.relative_to(repository).parts
            files[f"{'.'.join(group)}:{artifact}:{version}:{path.suffix[1:]}"] = path
    return files


def verify(files: Mapping[str, Path], lock: Lock) -> None:
    """Refuse a file that differs from the lock, that it does not name, or that is missing."""
    on_purpose = f"if kafka.pom.xml was changed on purpose, run `{RELOCK}`."
    if missing := sorted(lock.keys() - files.keys()):
        raise StackError(
            f"Maven did not deliver {missing[0]}, which engines.lock names: {on_purpose}"
        )
    for name, path in files.items():
        if name not in lock:
            raise StackError(
                f"Maven delivered {name}, which engines.lock does not name: {on_purpose}"
            )
        if sha256(path) != lock[name]:
            raise StackError(
                f"The checksum of {name} is not the one in engines.lock: remove this artifact "
                "from Maven's local repository and try again; if it still differs, do not trust "
                "its source."
            )


def cache_folder(account: Account, environment: Mapping[str, str] | None = None) -> Path:
    """The folder of verified servers, which their account can read.

    Root's home is usually closed to other accounts, so root uses the machine's cache. A folder
    that TOCSIN_CACHE_DIR names is used or refused with an error.
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


def fetch(destination: Path) -> None:
    """Let Maven copy everything that the POM names into a folder, in repository layout."""
    mvn = shutil.which("mvn")
    if mvn is None:
        raise StackError(
            "Maven is needed once, to fetch Kafka and Elasticsearch, and `mvn` was not found: "
            "install Maven, or use the embedded stack."
        )
    command = [mvn, "-B", "-q", "-f", str(POM), COPY_GOAL, f"-DoutputDirectory={destination}"]
    command += ["-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        error = re.search(r"\[ERROR\] +(.+)", done.stdout + done.stderr)
        reason = error[1].split(" -> ")[0][:200] if error else "it gave no reason"
        raise StackError(
            f"Maven could not fetch the servers ({reason}): "
            "check the network and Maven's settings, then try again."
        )


def install(cache: Path, progress: Progress, lock: Lock | None = None) -> Path:
    """The folder of the verified servers, fetched the first time: `kafka/`, `elasticsearch/`.

    Everything is prepared in another folder and renamed at the end, so an interrupted or refused
    installation never looks complete.
    """
    lock = read_lock() if lock is None else lock
    home = cache / "engines" / hashlib.sha256(write_lock(lock).encode()).hexdigest()[:16]
    if home.is_dir():
        return home
    _readable_folder(home.parent)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="fetching-") as scratch:
        progress("fetching Kafka and Elasticsearch with Maven (once)")
        fetch(Path(scratch) / "repository")
        files = artifacts(Path(scratch) / "repository")
        progress(f"verifying {len(files)} files")
        verify(files, lock)
        prepared = Path(scratch) / "prepared"
        _unpack(files, prepared)
        try:
            prepared.rename(home)
        except OSError:
            if not home.is_dir():  # else another process has just installed the same
                raise
    return home


def _readable_folder(folder: Path) -> None:
    """Create the missing folders of a path, readable for all; existing ones stay as they are."""
    try:
        for missing in [path for path in (folder, *folder.parents) if not path.exists()][::-1]:
            missing.mkdir(exist_ok=True)
            missing.chmod(0o755)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise StackError(
            f"The cache folder {folder} cannot be written: set TOCSIN_CACHE_DIR to one that can."
        )


def _unpack(files: Mapping[str, Path], home: Path) -> None:
    """Lay the files out, readable for any account whatever the umask is."""
    jars = home / "kafka"
    jars.mkdir(parents=True)
    for name, path in files.items():
        if name.startswith(ELASTICSEARCH):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(home / "unpacked")
        else:
            path.rename(jars / path.name)
    (top,) = (home / "unpacked").iterdir()
    top.rename(home / "elasticsearch")
    (home / "unpacked").rmdir()
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _relock() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        fetch(Path(scratch))
        lock = {name: sha256(path) for name, path in artifacts(Path(scratch)).items()}
    LOCK.write_text(write_lock(lock))


def main() -> None:
    """Fetch the servers into the cache, or with `--relock` write the lock again."""
    try:
        if "--relock" in sys.argv[1:]:
            _relock()
        else:
            install(cache_folder(server_account()), print)
    except StackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
