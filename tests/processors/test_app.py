"""``faust -A processors.app`` finds the application under its old name, and says the new one."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_old_name_is_the_application_and_says_the_new_one() -> None:
    command = (
        "import processors.app as old, processors.enrichment.app as new; print(old.app is new.app)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "True" in ran.stdout
    assert "processors.enrichment.app" in ran.stdout + ran.stderr
