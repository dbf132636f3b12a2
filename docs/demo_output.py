"""Writes the demo's whole terminal output into ``docs/demo.md``, as it is.

``python -m docs.demo_output`` runs ``tocsin demo`` in a temporary folder and replaces what stands
between the two marks of the page.
"""

import re
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).with_name("demo.md")
_MARKED: Final = re.compile(r"(<!-- output -->\n).*?(<!-- /output -->)", re.DOTALL)


def with_output(page: str, output: str) -> str:
    """The page with another output between its marks.

    It is indented rather than fenced: what is fenced are commands to paste, which tests run.
    """
    block = f"\n{textwrap.indent(output.rstrip(), ' ' * 4)}\n\n"
    written, count = _MARKED.subn(lambda marks: marks[1] + block + marks[2], page)
    if count != 1:
        raise ValueError("the page has no place for the output")
    return written


def without_places(output: str, folder: str) -> str:
    """The output without what differs from one folder to the next."""
    kept = output.replace(folder, "~/tocsin").replace(str(Path(sys.executable).parent) + "/", "")
    kept = re.sub(r"(on the JDK \d+ of) \S+", r"\1 /usr/lib/jvm/...", kept)
    return "\n".join(line.rstrip() for line in kept.splitlines())


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as folder:
        Path(folder).chmod(0o755)
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-m", "tocsin", "demo", *sys.argv[1:]],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        seconds = time.monotonic() - began
        PAGE.write_text(with_output(PAGE.read_text("utf-8"), without_places(ran.stdout, folder)))
    sys.stdout.write(f"{PAGE}: a demo of {seconds:.0f} s\n")


if __name__ == "__main__":
    main()
