"""What makes the next start of Kafka quicker: its classes ready to map, and its format.

The first broker that runs writes an archive of the classes it loaded when it stops; the next ones
read it, at a quarter of the processor time of a start without one. A runtime that comes without an
archive of Java's own classes gets one first. Every archive is written by the account that reads it,
and belongs to one Java and one version of Kafka. Without any of this a start is only slower.
"""

import hashlib
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack.account import Account
from tocsin.local.stack.java import Java
from tocsin.local.stack.process import ChildProcess, Command

DUMP_SECONDS = 60.0
RETRY_SECONDS = 86_400.0


@dataclass(frozen=True)
class StartCache:
    folder: Path
    java: Java
    account: Account

    @property
    def checkpoint(self) -> Path:
        """Kafka's `bootstrap.checkpoint`, as its own tool wrote it once."""
        return self.folder / "bootstrap.checkpoint"

    @property
    def _java_classes(self) -> Path:
        return self.folder / "java.jsa"

    @property
    def _kafka_classes(self) -> Path:
        return self.folder / "kafka.jsa"

    @property
    def _too_slow(self) -> Path:
        return self.folder / "too-slow"

    def flags(self, new_archive: Path) -> list[str]:
        """Flags of the JVM that read the archive, or write one at the end of the process."""
        below = [str(self._java_classes)] * self._java_classes.is_file()
        quiet = ["-Xlog:disable"]  # what it cannot archive, hundreds of lines
        if self._kafka_classes.is_file():
            return [f"-XX:SharedArchiveFile={':'.join([*below, str(self._kafka_classes)])}", *quiet]
        if self._was_too_slow() or not (below or self._has_own_archive()):
            return []
        reads = [f"-XX:SharedArchiveFile={path}" for path in below]
        return [*reads, f"-XX:ArchiveClassesAtExit={new_archive}", *quiet]

    def dump_command(self, scratch: Path, output: Path) -> Command | None:
        """The command that archives Java's own classes; None where that is there already."""
        if self._has_own_archive() or self._java_classes.is_file():
            return None
        archive = scratch / "java.jsa"
        flags = ["-Xshare:dump", f"-XX:SharedArchiveFile={archive}", "-Xlog:disable"]
        return Command(
            arguments=[str(self.java.executable), *flags],
            environment={"HOME": str(scratch), "LANG": "C.UTF-8"},
            folder=scratch,
            output=output,
            account=self.account,
        )

    def keep_java_classes(self, dump: ChildProcess, scratch: Path) -> None:
        dump.wait_or_kill(DUMP_SECONDS)
        if dump.exit_code == 0:
            self._keep(scratch / "java.jsa", self._java_classes)

    def keep_kafka_classes(self, archive: Path) -> None:
        self._keep(archive, self._kafka_classes)

    def give_up(self, archive: Path) -> None:
        """Note that the archive took longer than a stop may: no other try for a day."""
        with suppress(OSError):
            if not self._kafka_classes.exists() and archive.parent.is_dir():
                self._too_slow.touch()
            archive.unlink(missing_ok=True)

    def keep_checkpoint(self, checkpoint: Path) -> None:
        self._keep(checkpoint, self.checkpoint, move=False)

    def _was_too_slow(self) -> bool:
        with suppress(OSError):
            return time.time() - self._too_slow.stat().st_mtime < RETRY_SECONDS
        return False

    def _has_own_archive(self) -> bool:
        return (self.java.home / "lib" / "server" / "classes.jsa").is_file()

    def _keep(self, new: Path, kept: Path, *, move: bool = True) -> None:
        """Put a file here whole or not at all; a full disk or a closed folder is no fault."""
        part = kept.with_name(f"{kept.name}.{uuid.uuid4().hex}")
        with suppress(OSError):
            if not kept.exists() and new.is_file():
                try:
                    shutil.copyfile(new, part)
                    part.chmod(0o644)
                    part.replace(kept)
                finally:
                    part.unlink(missing_ok=True)
        if move:
            with suppress(OSError):
                new.unlink(missing_ok=True)


def start_cache(cache: Path, kafka_home: Path, java: Java, account: Account) -> StartCache:
    """The cache of one account, Java and Kafka; its folder is made where that is possible."""
    release = java.home / "release"
    marks = (str(java.home), release.read_text(), str(release.stat().st_mtime), str(kafka_home))
    mark = hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]
    folder = cache / "engines" / "starts" / f"{account.uid}-{mark}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        folder.parent.chmod(0o755)
    return StartCache(folder, java, account)
