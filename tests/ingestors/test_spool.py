"""What a source keeps on disk until Kafka has it."""

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from ingestors.source import SourceError
from ingestors.spool import MAX_RECORD_BYTES, MAX_SEGMENT_BYTES, Spool

NAME = "test-spool"


def opened(folder: Path, max_bytes: int = 64 * 2**20) -> tuple[Spool, list[bytes]]:
    spool = Spool(folder, NAME, max_bytes)
    return spool, spool.open()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


def missed() -> float:
    return REGISTRY.get_sample_value("tocsin_ingest_spool_missed_total", {"source": NAME}) or 0.0


def test_what_was_not_acknowledged_comes_first_at_the_next_start(tmp_path: Path) -> None:
    spool, left = opened(tmp_path)
    assert left == []
    numbers = [spool.append(b"line %d" % number) for number in range(3)]
    again, left = opened(tmp_path)  # the first has not ended, as after a kill
    assert left == [b"line 0", b"line 1", b"line 2"]
    assert again.append(b"line 3") == len(left) + 1
    again.acknowledge(3)
    assert len(files(tmp_path)) == 1
    again.acknowledge(4)
    assert files(tmp_path) == []
    assert numbers == [1, 2, 3]
    spool.close()


def test_a_killed_process_leaves_every_record(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from ingestors.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), 'x', 2**30)\n"
        "spool.open()\n"
        "for number in range(5000):\n"
        "    spool.append(b'%d' % number * 100)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    assert ended.returncode == -9
    assert len(files(tmp_path)) > 1
    spool, left = opened(tmp_path)
    assert left == [b"%d" % number * 100 for number in range(5000)]
    spool.acknowledge(5000)
    assert files(tmp_path) == []


@pytest.mark.parametrize("cut", [1, 3, 8, 12])
def test_half_a_record_at_the_end_costs_only_itself(tmp_path: Path, cut: int) -> None:
    spool, _ = opened(tmp_path)
    spool.append(b"whole")
    spool.append(b"broken")
    spool.close()
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert opened(tmp_path)[1] == [b"whole"]


def test_a_full_spool_counts_what_it_misses_and_goes_on(tmp_path: Path) -> None:
    before = missed()
    spool, _ = opened(tmp_path, max_bytes=2 * MAX_SEGMENT_BYTES)
    record = b"x" * 300_000
    numbers = [spool.append(record) for _ in range(10)]
    assert missed() - before == 4
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 2 * MAX_SEGMENT_BYTES
    spool.acknowledge(numbers[5])
    assert files(tmp_path) == []
    spool.append(record)
    assert missed() - before == 4
    assert opened(tmp_path)[1] == [record]
    spool.close()


def test_a_folder_that_cannot_be_made_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SourceError, match="TOCSIN_INGEST_SPOOL_DIR"):
        opened(tmp_path / "file" / "inside")


def test_a_disk_that_takes_half_a_record_costs_no_later_one(tmp_path: Path) -> None:
    """A disk that gets full takes a part of a record, without an error; later it has room again."""
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from prometheus_client import REGISTRY\n"
        "from ingestors.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), 'x', 2**30)\n"
        "spool.open()\n"
        "spool.append(b'first' * 10)\n"
        "limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))\n"
        "spool.append(b'second' * 20)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, limits)\n"
        "spool.append(b'third')\n"
        "spool.close()\n"
        "print(REGISTRY.get_sample_value('tocsin_ingest_spool_missed_total', {'source': 'x'}))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path], check=True, capture_output=True
    )
    assert ended.stdout.split()[-1] == b"1.0", "the disk took all of the second record"
    spool, left = opened(tmp_path)
    assert left == [b"first" * 10, b"third"]
    spool.close()


def test_a_record_that_no_start_would_read_is_missed_and_costs_no_later_one(tmp_path: Path) -> None:
    spool, _ = opened(tmp_path)
    before = missed()
    spool.append(bytes(MAX_RECORD_BYTES + 1))
    spool.append(b"next")
    assert missed() == before + 1
    _, left = opened(tmp_path)
    assert left == [b"next"]
    spool.close()
