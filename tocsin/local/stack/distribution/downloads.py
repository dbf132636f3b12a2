"""Files from one Maven repository, each accepted only with its size and its SHA-256.

A verified file lies under its checksum in the folder of downloads, so a fetch that was cut off goes
on where it stopped. Time, size, connections and redirects are bounded. Credentials go to the
repository itself, never to a host that it redirects to.
"""

import hashlib
import os
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import certifi
import httpx

from runtime.backoff import exponential
from tocsin.local.stack import Progress, StackError
from tocsin.local.stack.distribution.engines_lock import LockedFile, sha256
from tocsin.local.stack.distribution.maven_settings import VARIABLE, Repository
from tocsin.local.stack.folders import CACHE_ADVICE, folder_errors

CONNECTIONS = 4
MAX_REDIRECTS = 5
MAX_TRIES = 4
SILENCE_SECONDS = 30.0
"""A try in which the repository says nothing for so long has failed."""
GRACE_SECONDS, MIN_BYTES_PER_SECOND = 60.0, 20_000
"""A try takes no longer than the grace, and the time of the file at this rate."""
PROGRESS_SECONDS = 5.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class _Failed(Exception):
    """A try failed; another may succeed unless it is `final`."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Downloader:
    """Fetches into one folder and tells `progress` every few seconds how far it is."""

    def __init__(
        self,
        repository: Repository,
        folder: Path,
        progress: Progress,
        *,
        silence_seconds: float = SILENCE_SECONDS,
        first_wait_seconds: float = 1.0,
    ) -> None:
        self._repository = repository
        self._folder = folder
        self._progress = progress
        self._silence_seconds = silence_seconds
        self._first_wait_seconds = first_wait_seconds
        self._given_up = threading.Event()
        self._received: dict[LockedFile, int] = {}

    def fetch(self, files: Sequence[LockedFile]) -> dict[LockedFile, Path]:
        """Return where each file lies; what was verified before is not fetched again.

        :raises StackError: a file cannot be had, or is not what the lock says.
        """
        with folder_errors(self._folder, CACHE_ADVICE):
            self._folder.mkdir(parents=True, exist_ok=True)
            missing = [file for file in files if not self._is_here(file)]
            if missing:
                with self._client() as client:
                    self._fetch_all(client, missing)
        return {file: self._path(file) for file in files}

    def _client(self) -> httpx.Client:
        # It takes a proxy and SSL_CERT_FILE from the environment.
        return httpx.Client(
            auth=self._repository.credentials,
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            timeout=self._silence_seconds,
            verify=_trust(),
            headers={"Accept-Encoding": "identity"},
        )

    def _fetch_all(self, client: httpx.Client, files: Sequence[LockedFile]) -> None:
        total, told = sum(file.size for file in files), time.monotonic()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            pending = {pool.submit(self._fetch_one, client, file) for file in files}
            try:
                while pending:
                    ended, pending = wait(pending, PROGRESS_SECONDS, FIRST_COMPLETED)
                    for future in ended:
                        future.result()
                    if time.monotonic() - told >= PROGRESS_SECONDS or not pending:
                        told = time.monotonic()
                        self._progress(
                            f"fetched {len(files) - len(pending)} of {len(files)} files, "
                            f"{sum(self._received.values()) / 1e6:.0f} of {total / 1e6:.0f} MB"
                        )
            except BaseException:
                self._given_up.set()
                for future in pending:
                    future.cancel()
                raise

    def _fetch_one(self, client: httpx.Client, file: LockedFile) -> None:
        for tries in range(1, MAX_TRIES + 1):
            try:
                self._try(client, file)
                return
            except (_Failed, httpx.HTTPError, httpx.InvalidURL) as error:
                final = isinstance(error, _Failed) and error.final
                if final or tries == MAX_TRIES or self._given_up.is_set():
                    raise StackError(
                        f"{file.name} could not be fetched from {self._repository.url} "
                        f"({_reason(error)}): check the network and the proxy, or set {VARIABLE} "
                        "to the address of a repository that has it."
                    ) from error
            self._given_up.wait(exponential(tries - 1, self._first_wait_seconds, 10.0))

    def _try(self, client: httpx.Client, file: LockedFile) -> None:
        deadline = time.monotonic() + GRACE_SECONDS + file.size / MIN_BYTES_PER_SECOND
        part = self._folder / f"part-{os.getpid()}-{file.sha256}"
        digest, received = hashlib.sha256(), 0
        try:
            with part.open("wb") as target:
                for chunk in self._chunks(client, file):
                    received += len(chunk)
                    self._received[file] = received
                    if received > file.size:
                        raise _Failed("it is larger than engines.lock says", final=True)
                    if self._given_up.is_set() or time.monotonic() > deadline:
                        raise _Failed("it takes too long", final=True)
                    digest.update(chunk)
                    target.write(chunk)
            if received < file.size:
                raise _Failed(f"it ended after {received} of {file.size} bytes")
            if digest.hexdigest() != file.sha256:
                raise _Failed("its checksum is not the one in engines.lock", final=True)
            part.replace(self._path(file))
        finally:
            part.unlink(missing_ok=True)

    def _chunks(self, client: httpx.Client, file: LockedFile) -> Iterator[bytes]:
        address = f"{self._repository.url}/{file.repository_path}"
        with client.stream("GET", address) as answer:
            if answer.status_code != 200:
                passing = answer.status_code in _PASSING
                raise _Failed(f"it answers {answer.status_code}", final=not passing)
            yield from answer.iter_raw()

    def _path(self, file: LockedFile) -> Path:
        return self._folder / file.sha256

    def _is_here(self, file: LockedFile) -> bool:
        path = self._path(file)
        return path.is_file() and sha256(path) == file.sha256


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _trust() -> ssl.SSLContext:
    """Python's own certificates: those of the system, or of SSL_CERT_FILE."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:  # a Python that was installed without any
        context.load_verify_locations(certifi.where())
    return context
