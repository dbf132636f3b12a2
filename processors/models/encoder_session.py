"""Runs the encoder's layers in OpenVINO: embedded tokens and their mask in, states out.

The graph is built from the arrays of the artifact, without an exchange format. It is BERT with
normalisation after each block (Devlin et al. 2019), as in multilingual-e5-small.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

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
"""Added to the attention scores of padding."""


class Session:
    """The compiled layers; in bfloat16 if the processor supports it."""

    def __init__(self, arrays: Arrays, layers: int, threads: int = 1) -> None:
        """``arrays``: made by :func:`pack`; ``threads``: cores of a run."""
        compiled = openvino.Core().compile_model(
            build(arrays, layers),
            "CPU",
            {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"},
        )
        self._request = compiled.create_infer_request()

    def run(self, embedded: Floats, mask: Floats) -> Floats:
        """Float32 ``embedded`` (texts, tokens, width) and ``mask`` (texts, tokens) to states."""
        outputs = self._request.infer([embedded, mask])
        states: Floats = next(iter(outputs.values()))
        return states.copy()


def build(arrays: Arrays, layers: int) -> openvino.Model:
    width = arrays["norm.weight"].shape[0]
    embedded = op.parameter([-1, -1, width], np.float32, name="embedded")
    mask = op.parameter([-1, -1], np.float32, name="mask")
    far = op.multiply(op.subtract(_constant(1.0), mask), _constant(_FAR))
    bias = op.unsqueeze(far, op.constant(np.array([1, 2])))
    x = _norm(embedded, arrays, "norm")
    for layer in range(layers):
        x = _layer(x, bias, arrays, f"layers.{layer}", width)
    return openvino.Model([op.result(x)], [embedded, mask], "encoder")


def _layer(x: Tensor, bias: Tensor, arrays: Arrays, name: str, width: int) -> Tensor:
    size = width // HEADS
    split = op.constant(np.array([0, 0, 3, HEADS, size]))
    each = op.reshape(_linear(x, arrays, f"{name}.qkv"), split, special_zero=True)
    axis = op.constant(np.array(0))
    parts = op.split(op.transpose(each, op.constant(np.array([2, 0, 3, 1, 4]))), axis, 3)
    q, k, v = (op.squeeze(part, axis) for part in parts.outputs())
    scores = op.matmul(op.multiply(q, _constant(size**-0.5)), k, False, True)
    seen = op.matmul(op.softmax(op.add(scores, bias), -1), v, False, False)
    seen = op.transpose(seen, op.constant(np.array([0, 2, 1, 3])))
    seen = op.reshape(seen, op.constant(np.array([0, 0, width])), special_zero=True)
    x = _norm(op.add(x, _linear(seen, arrays, f"{name}.out")), arrays, f"{name}.norm1")
    inner = op.gelu(_linear(x, arrays, f"{name}.inner"), "erf")
    return _norm(op.add(x, _linear(inner, arrays, f"{name}.outer")), arrays, f"{name}.norm2")


def _linear(x: Tensor, arrays: Arrays, name: str) -> Tensor:
    weight = op.constant(unpacked(arrays, f"{name}.weight"))
    return op.add(op.matmul(x, weight, False, True), _constant(arrays[f"{name}.bias"]))


def _norm(x: Tensor, arrays: Arrays, name: str) -> Tensor:
    even = op.mvn(x, op.constant(np.array([-1])), True, EPSILON, "inside_sqrt")
    scaled = op.multiply(even, _constant(arrays[f"{name}.weight"]))
    return op.add(scaled, _constant(arrays[f"{name}.bias"]))


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
