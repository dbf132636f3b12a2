"""Files that hold a secret: whether other users of the machine can read them."""

import stat
from pathlib import Path

from runtime.logs import get_logger

log = get_logger("settings")
_remarked: set[Path] = set()
"""One line a file and process: settings are read several times."""


def open_to_others(path: Path) -> str | None:
    """What is wrong with the mode of a secret's file, in words; None if nothing is, or no file.

    The group may read: pods and containers are given their secrets that way.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    if mode & stat.S_IROTH:
        return f"{path} can be read by every user of this machine; run chmod o-rwx {path}"
    if mode & stat.S_IWOTH:
        return f"{path} can be written by every user of this machine; run chmod o-rwx {path}"
    return None


def remark_if_open(what: str, path: Path) -> None:
    """Log a warning, once, if others can read the file of the secret ``what``."""
    why = open_to_others(path)
    if why is not None and path not in _remarked:
        _remarked.add(path)
        log.warning("the file of a secret is open to others", secret=what, why=why)
