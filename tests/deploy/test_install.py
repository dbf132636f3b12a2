"""``requirements/install.py``: what it tells uv, what it says meanwhile, a true installation."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.deploy.compose import TOP

SCRIPT = TOP / "requirements" / "install.py"
_spec = importlib.util.spec_from_file_location("install", SCRIPT)
assert _spec is not None and _spec.loader is not None
install = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(install)


def test_the_configuration_of_pip_is_read_as_pip_reads_it() -> None:
    listed = """
:env:.cert='/etc/ours.pem'
download.index-url='https://other.example/simple'
global.cert='/etc/theirs.pem'
global.extra-index-url='\\nhttps://a.example/simple\\nhttps://b.example/simple'
global.timeout='60'
install.timeout='90'
"""
    assert install.read_configuration(listed) == {
        "cert": "/etc/ours.pem",
        "extra-index-url": "\nhttps://a.example/simple\nhttps://b.example/simple",
        "timeout": "90",
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"index-url": "https://a.example/simple"}, {"UV_DEFAULT_INDEX": "https://a.example/simple"}),
        ({"extra-index-url": "\nhttps://a.example\nhttps://b.example"},
         {"UV_INDEX": "https://a.example https://b.example"}),
        ({"find-links": "/a /b"}, {"UV_FIND_LINKS": "/a,/b"}),
        ({"no-index": "true"}, {"UV_NO_INDEX": "1"}),
        ({"no-index": "false"}, {}),
        ({"trusted-host": "a.example"}, {"UV_INSECURE_HOST": "a.example"}),
        ({"cert": "/etc/ours.pem"}, {"SSL_CERT_FILE": "/etc/ours.pem"}),
        ({"proxy": "http://proxy.example:3128"}, {"ALL_PROXY": "http://proxy.example:3128"}),
        ({"quiet": "1", "disable-pip-version-check": "1"}, {}),
    ],
)  # fmt: skip
def test_uv_is_told_what_pip_was_told(options: dict[str, str], told: dict[str, str]) -> None:
    always = install.uv_environment({}, {})
    assert install.uv_environment(options, {}) == {**always, **told}


def test_what_uv_was_told_itself_stands() -> None:
    told = install.uv_environment({"index-url": "https://a"}, {"UV_DEFAULT_INDEX": "https://b"})
    assert "UV_DEFAULT_INDEX" not in told


def test_an_option_that_uv_cannot_take_over_is_named() -> None:
    with pytest.raises(ValueError, match="keyring-provider"):
        install.uv_environment({"keyring-provider": "subprocess"}, {})


def test_progress_is_one_line_on_a_terminal() -> None:
    written: list[str] = []
    progress = install.Progress(written.append, live=True)
    progress.total = 110
    for line in (
        "Resolved 110 packages in 1.14s",
        "Downloading spacy (20.0MiB)",
        "Downloading openvino (50.0MiB)",
        " Downloaded spacy",
        "Prepared 110 packages in 6.46s",
        "Collecting spacy==3.8.18 (from -r requirements/local.txt (line 7))",
    ):
        progress.read(line)
    progress.end("installed")
    lines = "".join(written).split("\r\033[K")
    assert "\n" not in "".join(written[:-1])
    assert "installing: downloaded 21 of 73 MB, waiting for openvino" in lines
    assert "installing: downloading 1 of 110: spacy" in lines
    assert all(len(line) < 80 for line in lines)
    assert lines[-1] == "installed in 0 s\n"


def test_progress_is_a_line_now_and_then_elsewhere() -> None:
    written: list[str] = []
    times = iter([0.0, 11.0, 12.0, 22.0])
    progress = install.Progress(written.append, live=False, clock=lambda: next(times))
    for text in ("one", "two", "three"):
        progress.show(text)
    assert written == ["installing: one\n", "installing: three\n"]


def _wheel(folder: Path) -> str:
    """Writes a wheel of an invented package; its SHA-256."""
    path = folder / "velmora-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("velmora.py", "NAME = 'Velmora'\n")
        info = "velmora-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: velmora\nVersion: 1.0\n")
        wheel.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(info + "RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("right", [True, False], ids=["right hash", "wrong hash"])
def test_a_lock_is_installed_by_its_hashes_alone(tmp_path: Path, right: bool) -> None:
    digest = _wheel(tmp_path) if right else _wheel(tmp_path)[::-1]
    (lock := tmp_path / "lock.txt").write_text(f"velmora==1.0 \\\n    --hash=sha256:{digest}\n")
    venv.create(tmp_path / "env", with_pip=True, symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    # pip's own configuration leads to the wheel, as a user's mirror would.
    mirror = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    ran = subprocess.run(
        [python, SCRIPT, lock, "--installer", "pip"],
        env={**os.environ, **mirror},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == (0 if right else 1), ran.stderr
    if right:
        assert ran.stderr.splitlines()[-1].startswith("installed with pip in ")
        assert len(ran.stderr.splitlines()) <= 4, ran.stderr
        subprocess.run([python, "-c", "import velmora"], check=True)
    else:
        assert "tocsin could not be installed here" in ran.stderr.splitlines()[-1]


def test_make_says_which_pythons_fit(tmp_path: Path) -> None:
    (python := tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    (tmp_path / "Makefile").write_bytes((TOP / "Makefile").read_bytes())
    ran = subprocess.run(
        ["make", "-C", tmp_path, f"PYTHON={python}", ".venv/python"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert f"tocsin runs on Python 3.11 to 3.13, and {python} is not one of them" in ran.stderr
    assert (3, 11) <= sys.version_info < (3, 14)
