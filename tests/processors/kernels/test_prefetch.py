"""What is asked for ahead changes no answer."""

import numpy as np
import numpy.typing as npt

from processors.kernels.compiler import kernel
from processors.kernels.prefetch import prefetch


def test_a_row_is_asked_for_and_read() -> None:
    @kernel("u8(u8[:,::1], u8)")
    def read(table: npt.NDArray[np.uint64], row: np.uint64) -> np.uint64:
        prefetch(table, row)
        value: np.uint64 = table[row, 1]
        return value

    table = np.arange(8, dtype=np.uint64).reshape(4, 2)
    assert [int(read(table, np.uint64(row))) for row in range(4)] == [1, 3, 5, 7]
