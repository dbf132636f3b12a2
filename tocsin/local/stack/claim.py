"""One stack to a data folder: two sets of servers over the same files would ruin them."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from tocsin.local.stack.base import StackError


def claim(data_dir: Path) -> IO[str]:
    """Hold a data folder until the returned file is closed; the kernel closes it when we end."""
    data_dir.mkdir(parents=True, exist_ok=True)
    held = (data_dir / "stack.lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise StackError(
            f"{data_dir} is in use by another running stack: "
            "stop that one, or choose another data folder."
        ) from error
    return held
