"""Runs the encoder's layers in OpenVINO: embedded tokens in, states out.

The graph is built from the arrays of the artifact, without an exchange format. It is BERT with
normalisation after each block (Devlin et al. 2019), as in multilingual-e5-small.

Precision decides the cost. Weights stay in 8 bits, and OpenVINO quantizes the inputs of each
product to 8 bits too, in groups: 2.5 times as fast as float32 on a processor with VNNI. bfloat16 is
faster still with AMX and slower than float32 without, although OpenVINO chooses it there too.
"""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13 as op

Floats = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]
Tensor: TypeAlias = Any
"""An output of the graph; OpenVINO has no types."""

EPSILON: Final = 1e-12
HEADS: Final = 12
"""Attention heads of a layer."""
_FAR: Final = -10_000.0
"""Added to the attention scores of other texts."""

Precision: TypeAlias = Literal["f32", "bf16", "int8"]
_PROPERTIES: Final[Mapping[Precision, Mapping[str, Any]]] = {
    "f32": {"INFERENCE_PRECISION_HINT": "f32"},
    "bf16": {"INFERENCE_PRECISION_HINT": "bf16"},
    # Groups of 64 and 32 are no more accurate on posts, and up to a third slower.
    "int8": {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 128},
}


class Session:
    """The compiled layers."""

    def __init__(
        self, arrays: Arrays, layers: int, threads: int = 1, precision: Precision | None = None
    ) -> None:
        """``arrays``: made by :func:`pack`; ``threads``: cores of a run; ``precision``: None for
        the fastest one of this processor."""
        self.precision: Precision = precision or fastest_precision()
        compiled = openvino.Core().compile_model(
            build(arrays, layers, in_8_bits=self.precision == "int8"),
            "CPU",
            {
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",
                **_PROPERTIES[self.precision],
            },
        )
        self._request = compiled.create_infer_request()

    def run(self, embedded: Floats, owners: Floats) -> Floats:
        """Float32 ``embedded`` (rows, tokens, width) to states of the same shape.

        ``owners`` (rows, tokens): the number of each token's text; a token attends to its own text
        alone. The states are those of the request: the next run overwrites them.
        """
        outputs = self._request.infer([embedded, owners], share_inputs=True, share_outputs=True)
        states: Floats = next(iter(outputs.values()))
        return states


def fastest_precision(cpuinfo: Path = Path("/proc/cpuinfo")) -> Precision:
    """bf16 with AMX, int8 on other x86 processors, and f32 elsewhere, where neither was measured.

    OpenVINO cannot be asked: it names BF16 among its capabilities without AMX too.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return "f32"
    try:
        flags = cpuinfo.read_text("utf-8", "replace")
    except OSError:  # not Linux
        return "int8"
    return "bf16" if "amx_bf16" in flags else "int8"


def build(arrays: Arrays, layers: int, in_8_bits: bool = False) -> openvino.Model:
    """The graph; ``in_8_bits``: with the weights as they are packed, else unpacked."""
    width = arrays["norm.weight"].shape[0]
    embedded = op.parameter([-1, -1, width], np.float32, name="embedded")
    owners = op.parameter([-1, -1], np.float32, name="owners")
    own = op.equal(_unsqueezed(owners, 1), _unsqueezed(owners, 2))
    bias = _unsqueezed(op.select(own, _constant(0.0), _constant(_FAR)), 1)
    x = _norm(embedded, arrays, "norm")
    for layer in range(layers):
        x = _layer(x, bias, arrays, f"layers.{layer}", in_8_bits)
    return openvino.Model([op.result(x)], [embedded, owners], "encoder")


def _layer(x: Tensor, bias: Tensor, arrays: Arrays, name: str, in_8_bits: bool) -> Tensor:
    def linear(x: Tensor, part: str) -> Tensor:
        return _linear(x, arrays, f"{name}.{part}", in_8_bits)

    width = arrays["norm.weight"].shape[0]
    size = width // HEADS
    split = op.constant(np.array([0, 0, HEADS, size]))
    swap = op.constant(np.array([0, 2, 1, 3]))
    parts = op.split(linear(x, "qkv"), op.constant(np.array(2)), 3)
    q, k, v = (
        op.transpose(op.reshape(part, split, special_zero=True), swap) for part in parts.outputs()
    )
    scores = op.matmul(op.multiply(q, _constant(size**-0.5)), k, False, True)
    seen = op.matmul(op.softmax(op.add(scores, bias), -1), v, False, False)
    seen = op.reshape(
        op.transpose(seen, swap), op.constant(np.array([0, 0, width])), special_zero=True
    )
    x = _norm(op.add(x, linear(seen, "out")), arrays, f"{name}.norm1")
    inner = op.gelu(linear(x, "inner"), "erf")
    return _norm(op.add(x, linear(inner, "outer")), arrays, f"{name}.norm2")


def _linear(x: Tensor, arrays: Arrays, name: str, in_8_bits: bool) -> Tensor:
    if in_8_bits:
        packed = op.constant(arrays[f"{name}.weight"], dtype=np.int8)
        scale = _constant(arrays[f"{name}.weight.scale"])
        weight = op.multiply(op.convert(packed, np.float32), scale)
    else:
        weight = op.constant(unpacked(arrays, f"{name}.weight"))
    return op.add(op.matmul(x, weight, False, True), _constant(arrays[f"{name}.bias"]))


def _norm(x: Tensor, arrays: Arrays, name: str) -> Tensor:
    even = op.mvn(x, op.constant(np.array([-1])), True, EPSILON, "inside_sqrt")
    scaled = op.multiply(even, _constant(arrays[f"{name}.weight"]))
    return op.add(scaled, _constant(arrays[f"{name}.bias"]))


def _unsqueezed(x: Tensor, axis: int) -> Tensor:
    return op.unsqueeze(x, op.constant(np.array([axis])))


def _constant(value: Tensor) -> Tensor:
    return op.constant(np.asarray(value, np.float32))


def pack(name: str, weight: Floats) -> dict[str, npt.NDArray[Any]]:
    """A matrix (rows, columns) in 8 bits each, with a scale a row."""
    scale = np.abs(weight).max(1, keepdims=True) / 127
    return {
        name: np.round(weight / scale).astype(np.int8),
        f"{name}.scale": scale.astype(np.float32),
    }


def unpacked(arrays: Arrays, name: str) -> Floats:
    """The inverse of :func:`pack`."""
    weight: Floats = arrays[name].astype(np.float32) * arrays[f"{name}.scale"]
    return weight
