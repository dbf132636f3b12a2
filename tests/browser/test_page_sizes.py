"""What a page weighs, and that no script of others is in the repository."""

import gzip
import http.client
import re
import subprocess
from pathlib import Path

import pytest

from tests.browser.page_addresses import NAMES, found, within
from tests.browser.served_tower import ServedTower
from tests.browser.stream_readers import session_cookie

ROOT = Path(__file__).parents[2]
MAX_PAGE, MAX_SCRIPT = 40 * 1024, 15 * 1024
"""Bytes: of a page as it is sent (gzip), and of the script as it is."""
INLINE = re.compile(r"<style|\sstyle\s*=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//|@import|url\(\s*[\"']?https?:")


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_small_and_has_nothing_inline(
    served: ServedTower, window: str, name: str
) -> None:
    headers, body = _fetched(served, within(found(served, name), f"{window}&wait=1"))
    assert len(body) <= MAX_PAGE
    assert headers.get("content-encoding") == "gzip" or len(body) < 1_000
    page = gzip.decompress(body) if "content-encoding" in headers else body
    tags = "".join(re.findall(r"<[^<>]*>", page.decode()))
    assert INLINE.search(re.sub(r'\s(value|href|data-[a-z]+)="[^"]*"', "", tags)) is None


def _fetched(served: ServedTower, path: str) -> tuple[dict[str, str], bytes]:
    """The headers, in lower case, and the body as it is sent."""
    host = served.origin.removeprefix("http://")
    client = http.client.HTTPConnection(host, timeout=60)
    try:
        cookie = session_cookie(served.link())
        client.request("GET", path, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        answer = client.getresponse()
        return {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        client.close()


def test_the_script_is_small() -> None:
    assert (ROOT / "tower" / "static" / "tower.js").stat().st_size <= MAX_SCRIPT


def test_the_repository_holds_no_script_of_others() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = listed.stdout.splitlines()
    assert "tower/static/tower.js" in names
    code = {name for name in names if re.search(r"\.([cm]?js|jsx|tsx?|map|wasm)$", name)}
    assert code == {"tower/static/tower.js"}
    assert not [
        name for name in names if re.search(r"(^|/)(package(-lock)?\.json|yarn\.lock)$", name)
    ]
    assert not [name for name in names if ".min." in name]


def test_pages_name_no_other_host() -> None:
    files = [*(ROOT / "tower" / "pages").rglob("*.html"), *(ROOT / "tower" / "static").iterdir()]
    assert len(files) > 10
    for file in files:
        found = ELSEWHERE.search(file.read_text("utf-8"))
        assert found is None, f"{file}: {found}"
