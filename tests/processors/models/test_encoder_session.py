"""The encoder in 8 bits and in bfloat16 answers as in float32; the processor decides which."""

import itertools
import platform
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestors.generator.source import generate
from processors.models.encoder_model import Encoder, Reading
from processors.models.encoder_session import Precision, fastest_precision
from schemas.post import PostUpsert

WRITTEN = [
    "Der Zug nach Berlin ist schon wieder ausgefallen, danke für nichts!",
    "Das neue Café in München ist wunderbar",
    "El vuelo de Iberia a Madrid fue un desastre",
    "Me encanta la nueva película de Almodóvar",
    "A entrega atrasou três dias e ninguém responde",
    "Il servizio di Trenitalia è pessimo, mai più",
    "Che bella giornata a Roma con Giulia",
    "De trein naar Utrecht heeft weer vertraging",
    "خدمة العملاء سيئة جدا ولا أحد يرد",
    "电池很好，屏幕也很漂亮",
    "配達が遅すぎる。もう二度と頼まない",
    "यह फ़ोन बहुत अच्छा है",
]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    day = generate(5, 2_000, datetime(2026, 3, 1, tzinfo=UTC))
    posts = dict.fromkeys(event.post.text for event in day if isinstance(event, PostUpsert))
    return WRITTEN + list(itertools.islice(posts, 300))


@pytest.fixture(scope="module")
def exact(texts: list[str]) -> list[Reading]:
    return Encoder(precision="f32").read(texts)


def names(reading: Reading) -> list[tuple[int, int, str]]:
    return [name[:3] for name in reading.entities]


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_the_answers_are_those_of_float32(
    texts: list[str], exact: list[Reading], precision: Precision
) -> None:
    readings = Encoder(precision=precision).read(texts)
    for one, other in zip(readings, exact, strict=True):
        mine, theirs = one.heads["sentiment"], other.heads["sentiment"]
        assert mine == pytest.approx(theirs, abs=0.04)
        first, second = sorted(theirs)[:-3:-1]
        # Two scores that are each off by 0.04 change places where they are 0.08 apart.
        assert mine.index(max(mine)) == theirs.index(max(theirs)) or first - second < 0.08
    same = [names(one) == names(other) for one, other in zip(readings, exact, strict=True)]
    assert sum(same) >= 0.98 * len(texts)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("avx512_bf16 avx512_vnni", "int8"),
        ("avx512_bf16 amx_bf16 amx_tile", "bf16"),
        (None, "int8"),
    ],
)
def test_bfloat16_is_for_processors_with_amx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str | None, expected: Precision
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    cpuinfo = tmp_path / "cpuinfo"
    if flags is not None:
        cpuinfo.write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\n", "utf-8")
    assert fastest_precision(cpuinfo) == expected


def test_other_processors_keep_float32(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert fastest_precision(tmp_path / "none") == "f32"


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_a_text_beside_others_is_read_as_alone(texts: list[str], precision: Precision) -> None:
    encoder = Encoder(precision=precision)
    some = texts[:40]
    # Inputs in 8 bits: a difference of rounding may change a step of one of them.
    tolerance = 1e-4 if precision == "f32" else 0.02
    for text, together in zip(some, encoder.read(some), strict=True):
        (alone,) = encoder.read([text])
        for head, shares in together.heads.items():
            assert shares == pytest.approx(alone.heads[head], abs=tolerance)
