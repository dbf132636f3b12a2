"""Reads the files of trained models: weights, and a JSON description with their checksum.

A model never runs on a file whose checksum differs.
"""

import hashlib
import io
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.errors import ArtifactMissing

ARTIFACTS: Final = Path(__file__).parent / "artifacts"
REMEDY: Final = "install tocsin again, or check out the repository again"

T = TypeVar("T")


class Description(msgspec.Struct):
    sha256: str


def read_description(path: Path, type_: type[T]) -> T:
    """Raises ArtifactMissing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise ArtifactMissing(f"{path.name} cannot be read: {error}; {REMEDY}") from error


def read_artifact(path: Path, sha256: str, remedy: str = REMEDY) -> bytes:
    """Raises ArtifactMissing if the file is absent or its checksum differs."""
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise ArtifactMissing(f"{path.name} cannot be read: {error}; {remedy}") from error
    if hashlib.sha256(payload).hexdigest() != sha256:
        raise ArtifactMissing(f"{path.name} does not have the expected checksum; {remedy}")
    return payload


def read_arrays(path: Path, sha256: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an ``.npz`` file by name. Raises ArtifactMissing."""
    with np.load(io.BytesIO(read_artifact(path, sha256)), allow_pickle=False) as arrays:
        return dict(arrays)
