"""Installs a lock into the environment of the Python that runs this, and says how far it is.

    .venv/bin/python requirements/install.py requirements/local.txt --editable .

uv installs it in a fraction of pip's time. It does not read pip's configuration, so mirrors,
certificates and proxies are handed to it; where the configuration has something that cannot be
handed over, or uv fails, pip installs. Both take exactly the files whose hashes are in the lock.
"""

import argparse
import ast
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

FOLDER = Path(__file__).parent
UV = Path(sys.prefix) / ("Scripts" if os.name == "nt" else "bin") / "uv"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
INTERVAL_S = 10.0
"""Seconds between two lines where the output is not a terminal."""
FROM_SOURCE = {"faust-streaming"}
"""Packages that may be built: without a compiler, a build of this one yields plain Python."""

_HANDED_OVER = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "no-cache-dir": "UV_NO_CACHE",
}
"""pip's option -> the variable of uv that means the same."""
_NO_MATTER = {
    "break-system-packages", "cache-dir", "disable-pip-version-check", "format", "log", "no-color",
    "no-compile", "no-input", "no-warn-script-location", "prefer-binary", "progress-bar", "quiet",
    "require-virtualenv", "root-user-action", "user", "verbose",
}  # fmt: skip
_OF_OTHERS = re.compile(r"^(?!global\.|install\.|:env:\.)")
_SIZE = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_DOWNLOADING = re.compile(r"^\s*Downloading (\S+) \(([\d.]+)\s*([KMG]iB)\)")
_DOWNLOADED = re.compile(r"^\s*(?:Downloaded|Downloading) (\S+)$")
_COLLECTING = re.compile(r"^Collecting ([\w.-]+)==")


class Progress:
    """One line that is written over on a terminal; elsewhere, a line now and then."""

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        live: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._live = live
        self._clock = clock
        self._started = self._last = clock()
        self._sizes: dict[str, float] = {}
        self._done: set[str] = set()
        self._collected = 0
        self.total = 0

    def read(self, line: str) -> None:
        """Takes in one line of an installer's output."""
        if match := _DOWNLOADING.match(line):
            self._sizes[match[1]] = float(match[2]) * _SIZE[match[3]] / 1e6
        elif match := _DOWNLOADED.match(line):
            self._done.add(match[1])
        elif match := re.match(r"^Prepared (\d+) package", line):
            self.show("downloaded; putting in place and compiling")
            return
        elif match := _COLLECTING.match(line):
            self._collected += 1
            self.show(f"downloading {self._collected} of {self.total}: {match[1]}")
            return
        elif line.startswith("Installing collected packages"):
            self.show("downloaded; putting in place and compiling")
            return
        if self._sizes:
            done = sum(size for name, size in self._sizes.items() if name in self._done)
            missing = [name for name in self._sizes if name not in self._done]
            largest = max(missing, key=lambda name: self._sizes[name], default="")
            waits = f", waiting for {largest}" if largest else ""
            self.show(f"downloaded {done:.0f} of {sum(self._sizes.values()):.0f} MB{waits}")

    def show(self, text: str) -> None:
        now = self._clock()
        if self._live:
            self._write(f"\r\033[K{f'installing: {text}'[:79]}")
        elif now - self._last >= INTERVAL_S:
            self._last = now
            self._write(f"installing: {text}\n")

    def end(self, text: str) -> None:
        seconds = self._clock() - self._started
        self._write(f"{chr(13) + chr(27) + '[K' if self._live else ''}{text} in {seconds:.0f} s\n")


def locked_names(lock: Path) -> list[str]:
    """The names of the packages in a lock, markers aside."""
    return re.findall(r"^([A-Za-z0-9][\w.-]*)==", lock.read_text("utf-8"), re.MULTILINE)


def read_configuration(listed: str) -> dict[str, str]:
    """``pip config list`` as option -> value, without the sections of other commands.

    The environment wins over ``install``, and that over ``global``.
    """
    options: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        key, equals, value = line.partition("=")
        if not equals or _OF_OTHERS.match(key):
            continue
        section, _, option = key.rpartition(".")
        options[section][option.lower()] = str(ast.literal_eval(value))
    return {**options["global"], **options["install"], **options[":env:"]}


def uv_environment(options: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell uv what pip's options say. ``ValueError``: one cannot be told."""
    told: dict[str, str] = {"UV_SYSTEM_CERTS": "1", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    for option, value in options.items():
        if option in _NO_MATTER:
            continue
        if option not in _HANDED_OVER:
            raise ValueError(option)
        if option in ("no-index", "no-cache-dir"):
            value = "1" if value.lower() in ("1", "true", "yes", "on") else ""
        elif option == "find-links":
            value = ",".join(value.split())
        told[_HANDED_OVER[option]] = " ".join(value.split())
    # Whoever sets uv's own variables means them.
    return {name: value for name, value in told.items() if value and not environment.get(name)}


def _run(command: Iterable[str], progress: Progress, environment: Mapping[str, str]) -> list[str]:
    """The last lines of a command that failed; none if it did not."""
    process = subprocess.Popen(
        list(command),
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines = [*lines[-29:], line.rstrip()]
        progress.read(line.rstrip())
    return (lines or ["no output"]) if process.wait() else []


def _with_uv(lock: Path, editable: str | None, progress: Progress) -> str | None:
    """Installs with uv; else why not."""
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=False)
    try:
        told = uv_environment(read_configuration(listed.stdout), os.environ)
    except ValueError as error:
        return f"pip's configuration has {error}, which uv cannot take over"
    progress.show("uv, which installs the rest")
    own = ["install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    if not UV.exists() and _run([*PIP, *own, "-r", str(FOLDER / "uv.txt")], progress, os.environ):
        return "there is no uv for this machine"
    environment = {**os.environ, **told}
    wheels = [f"--only-binary={name}" for name in _wheels_only(lock)]
    wheels += ["--build-constraints", str(FOLDER / "build.txt"), "--require-build-hashes"]
    install = [str(UV), "pip", "install", "--python", sys.executable, "--no-deps"]
    failed = _run(
        [*install, "--require-hashes", "--compile-bytecode", *wheels, "-r", str(lock)],
        progress,
        environment,
    )
    if not failed and editable:
        failed = _run(
            [*install, "--no-build-isolation", "--editable", editable], progress, environment
        )
    # tocsin itself does not need it.
    _run([*PIP, "uninstall", "--quiet", "--yes", "uv"], progress, os.environ)
    if not failed:
        return None
    said = next((line for line in failed if line.lower().startswith("error")), failed[-1])
    return f"uv failed ({said.strip()})"


def _wheels_only(lock: Path) -> list[str]:
    return [name for name in locked_names(lock) if name not in FROM_SOURCE]


def _with_pip(lock: Path, editable: str | None, progress: Progress) -> list[str]:
    """Installs with pip; its last lines if it failed."""
    install = [*PIP, "install", "--progress-bar", "off", "--no-deps"]
    wheels = ["--only-binary", ",".join(_wheels_only(lock))]
    failed = _run([*install, "--require-hashes", *wheels, "-r", str(lock)], progress, os.environ)
    if not failed and editable:
        failed = _run(
            [*install, "--no-build-isolation", "--editable", editable], progress, os.environ
        )
    return failed


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lock", type=Path, help="a file of requirements with hashes")
    parser.add_argument("--editable", metavar="FOLDER", help="also install this project in place")
    parser.add_argument("--installer", choices=("auto", "pip"), default="auto")
    given = parser.parse_args(arguments)
    progress = Progress(_to_terminal, live=sys.stderr.isatty())
    progress.total = len(locked_names(given.lock))
    _to_terminal(f"installing {given.lock} into {sys.prefix}\n")
    if given.installer == "auto":
        problem = _with_uv(given.lock, given.editable, progress)
        if problem is None:
            progress.end("installed")
            return 0
        progress.end(f"{problem}; pip installs, which takes minutes: stopped uv")
    if failed := _with_pip(given.lock, given.editable, progress):
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        _to_terminal("\n".join(["", *failed, f"tocsin could not be installed here ({machine})\n"]))
        return 1
    progress.end("installed with pip")
    return 0


def _to_terminal(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
