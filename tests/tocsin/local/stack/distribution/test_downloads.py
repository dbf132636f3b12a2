"""Fetching from a repository with the faults of the real ones."""

import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.tocsin.local.stack.distribution.maven_repository import (
    Answer,
    MavenRepository,
    basic,
    cut_off,
    locked,
    redirect,
    send,
    silent,
    status,
)
from tocsin.local.stack import StackError
from tocsin.local.stack.distribution import downloads
from tocsin.local.stack.distribution.downloads import Downloader
from tocsin.local.stack.distribution.maven_settings import Repository

CONTENT = b"bell" * 1000
BELL = locked("org.example:bell:1.2:jar", CONTENT)
OTHERS = [locked(f"org.example:other{n}:1:jar", b"%d" % n) for n in range(9)]
CREDENTIALS = ("ann", "s3cret")


def downloader(repository: MavenRepository, folder: Path) -> Downloader:
    address = Repository(repository.url, "a test", repository.credentials)
    return Downloader(address, folder, print, first_wait_seconds=0.01, silence_seconds=0.5)


def fetch_bell(folder: Path, *faults: Answer) -> int:
    """Fetch the bell through these faults; the number of requests that it took."""
    files = {BELL.repository_path: CONTENT}
    with MavenRepository(files, {BELL.repository_path: list(faults)}) as repository:
        found = downloader(repository, folder).fetch([BELL])
    assert found[BELL].read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == [BELL.sha256], "nothing is left beside it"
    return len(repository.requests)


def test_all_files_are_fetched_once_and_progress_is_told(tmp_path: Path) -> None:
    files = [BELL, *OTHERS]
    contents = {BELL.repository_path: CONTENT}
    contents |= {file.repository_path: b"%d" % n for n, file in enumerate(OTHERS)}
    said: list[str] = []
    with MavenRepository(contents) as repository:
        for _ in range(2):
            place = Repository(repository.url, "a test")
            found = Downloader(place, tmp_path, said.append).fetch(files)
    assert {file: path.read_bytes() for file, path in found.items()} == {
        file: contents[file.repository_path] for file in files
    }
    assert len(repository.requests) == len(files)
    assert said == ["fetched 10 of 10 files, 0 of 0 MB"]


@pytest.mark.parametrize(
    "fault",
    [status(503), status(429), cut_off(CONTENT[:100], len(CONTENT)), silent(1.0)],
    ids=["unavailable", "too many requests", "cut off", "silent"],
)
def test_what_may_pass_is_tried_again(tmp_path: Path, fault: Answer) -> None:
    assert fetch_bell(tmp_path, fault) == 2


@pytest.mark.parametrize(
    ("answer", "words", "requests"),
    [
        (status(404), "answers 404", 1),
        (status(401), "answers 401", 1),
        (lambda handler: send(handler, b"x" * len(CONTENT)), "checksum is not the one", 1),
        (lambda handler: send(handler, CONTENT + b"x"), "larger than engines.lock says", 1),
        (lambda handler: send(handler, b"short"), "ended after 5 of 4000 bytes", 4),
        (status(500), "answers 500", 4),
        (redirect("file:///etc/passwd"), "unsupported protocol", 4),
    ],
    ids=["missing", "closed", "wrong", "larger", "shorter", "broken", "to a file"],
)
def test_what_stays_wrong_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, answer: Answer, words: str, requests: int
) -> None:
    with (
        MavenRepository({}, {BELL.repository_path: [answer] * 9}) as repository,
        pytest.raises(StackError, match=f"bell-1.2.jar could not be fetched .*{words}") as got,
    ):
        downloader(repository, tmp_path).fetch([BELL])
    assert "TOCSIN_MAVEN_REPOSITORY" in str(got.value)
    assert len(repository.requests) == requests
    assert list(tmp_path.iterdir()) == []


def test_what_was_verified_is_kept_when_another_file_fails(tmp_path: Path) -> None:
    with MavenRepository({BELL.repository_path: CONTENT}) as repository:
        downloader(repository, tmp_path).fetch([BELL])
        with pytest.raises(StackError, match="answers 404"):
            downloader(repository, tmp_path).fetch([BELL, OTHERS[0]])
        (tmp_path / BELL.sha256).write_bytes(b"spoiled since")
        downloader(repository, tmp_path).fetch([BELL])
    assert [path for path, _ in repository.requests].count(BELL.repository_path) == 2


def test_a_slow_file_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "GRACE_SECONDS", 0.2)

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        try:
            for start in range(0, len(CONTENT), 40):
                handler.wfile.write(CONTENT[start : start + 40])
                time.sleep(0.02)
        except OSError:
            gone.set()

    gone = threading.Event()
    with MavenRepository({}, {BELL.repository_path: [trickle]}) as repository:
        with pytest.raises(StackError, match="takes too long"):
            downloader(repository, tmp_path).fetch([BELL])
        assert gone.wait(10)


def test_credentials_go_to_the_repository_and_to_no_other_host(tmp_path: Path) -> None:
    files = {BELL.repository_path: CONTENT}
    with MavenRepository(files) as elsewhere:
        fault = redirect(f"{elsewhere.url}/{BELL.repository_path}")
        faults = {BELL.repository_path: [fault]}
        with MavenRepository(files, faults, CREDENTIALS) as repository:
            downloader(repository, tmp_path).fetch([BELL])
    assert repository.requests == [(BELL.repository_path, basic(*CREDENTIALS))]
    assert elsewhere.requests == [(BELL.repository_path, None)]


def test_an_error_tells_no_credentials(tmp_path: Path) -> None:
    with MavenRepository({}, credentials=CREDENTIALS) as repository:
        fetcher = downloader(repository, tmp_path)
        with pytest.raises(StackError) as caught:
            fetcher.fetch([BELL])
    assert CREDENTIALS[1] not in f"{caught.value} {caught.value.__cause__} {fetcher.__dict__}"


def test_redirects_are_bounded(tmp_path: Path) -> None:
    around = redirect(f"/{BELL.repository_path}")
    with (
        MavenRepository({}, {BELL.repository_path: [around] * 99}) as repository,
        pytest.raises(StackError, match="Exceeded maximum allowed redirects"),
    ):
        downloader(repository, tmp_path).fetch([BELL])
    assert len(repository.requests) == downloads.MAX_TRIES * (downloads.MAX_REDIRECTS + 1)


def test_a_proxy_of_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "http://repository.example/maven"
    with MavenRepository({f"{address}/{BELL.repository_path}": CONTENT}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        Downloader(Repository(address, "a test"), tmp_path, print).fetch([BELL])
    assert proxy.requests == [(f"{address}/{BELL.repository_path}", None)]
