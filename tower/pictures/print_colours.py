"""The pictures for paper: the light colours of the style sheet within the picture itself.

On a page a picture has classes, and ``static/tower.css`` gives them colours of the theme. A PDF has
no style sheet, so the rules that pictures need are put into each, with every variable replaced by
its light colour.
"""

import importlib.resources
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from markupsafe import Markup

FAMILY: Final = '"Noto Sans", "DejaVu Sans", sans-serif'
_VARIABLE: Final = re.compile(r"--([a-z0-9-]+):\s*([^;]+);")
_LIGHT: Final = re.compile(r"light-dark\((#[0-9a-f]{3,6}),\s*#[0-9a-f]{3,6}\)")
_MIX: Final = re.compile(r"color-mix\(in oklab, (#[0-9a-f]{3,6}) ([0-9]{1,3})%, (#[0-9a-f]{3,6})\)")
_USE: Final = re.compile(r"var\(--([a-z0-9-]+)\)")
_RULE: Final = re.compile(r"([^{}]+)\{([^{}]*)\}")
_DRAWN: Final = re.compile(
    r"^(svg text|\.rule|\.area\.|\.usual|\.interval|line\.share|rect\."
    r"|\.bubble|\.world text|\.heat-)"
)
_KEPT: Final = frozenset(
    {"fill", "fill-opacity", "opacity", "stroke", "stroke-dasharray", "stroke-width", "font-size",
     "font-weight"}
)  # fmt: skip
_XMLNS: Final = 'xmlns="http://www.w3.org/2000/svg"'


@cache
def print_style() -> str:
    """The rules of pictures in the style sheet, as CSS without variables."""
    file = importlib.resources.files("tower") / "static" / "tower.css"
    sheet = re.sub(r"/\*.*?\*/", "", file.read_text("utf-8"), flags=re.DOTALL)
    colours = {name: _LIGHT.sub(r"\1", value) for name, value in _VARIABLE.findall(sheet)}
    rules = []
    for selectors, body in _RULE.findall(sheet):
        # An SVG in an SVG has no ancestor "svg" to select by.
        drawn = [
            one.strip().removeprefix("svg ").removeprefix(".world ")
            for one in selectors.split(",")
            if _DRAWN.match(one.strip())
        ]
        kept = [line for line in body.split(";") if line.partition(":")[0].strip() in _KEPT]
        if drawn and kept:
            rules.append(f"{','.join(drawn)}{{{_plain(';'.join(kept), colours).strip()}}}")
    return f"text{{font-family:{FAMILY}}}" + "".join(rules)


def _plain(text: str, colours: Mapping[str, str]) -> str:
    replaced = _USE.sub(lambda found: colours.get(found[1], "#000"), text)
    return _MIX.sub(lambda found: mixed(found[1], found[3], int(found[2]) / 100), replaced)


def printed(picture: Markup) -> str:
    """The picture as a document of its own that needs no style sheet."""
    head, _, rest = str(picture).partition(">")
    spaced = head if "xmlns=" in head else head.replace("<svg", f"<svg {_XMLNS}", 1)
    return f"{spaced}><style>{print_style()}</style>{rest}"


def with_land(picture: Markup, land: str, width: int, height: int) -> Markup:
    """The map with its land, which a page has as a mask behind the bubbles."""
    inner = land[land.index(">") + 1 : land.rindex("</svg>")]
    view = re.search(r'viewBox="0 0 (\d+) (\d+)"', land)
    assert view is not None
    scale = min(width / int(view[1]), height / int(view[2]))
    head, _, rest = str(picture).partition(">")
    shape = f'<g fill="#d7ddd5" transform="scale({scale:.4f})">{inner}</g>'
    return Markup(f"{head}>{shape}{rest}")  # noqa: S704 (both are drawn by us)


def mixed(colour: str, other: str, share: float) -> str:
    """``color-mix(in oklab, colour share, other)`` (Ottosson 2020)."""
    first, second = _oklab(colour), _oklab(other)
    return _hex([a * share + b * (1 - share) for a, b in zip(first, second, strict=True)])


def _oklab(colour: str) -> list[float]:
    digits = colour.lstrip("#")
    digits = "".join(2 * one for one in digits) if len(digits) == 3 else digits
    r, g, b = (_linear(int(digits[place : place + 2], 16) / 255) for place in (0, 2, 4))
    cones = [
        math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b),
        math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b),
        math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b),
    ]
    lightness, medium, short = cones
    return [
        0.2104542553 * lightness + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * lightness - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * lightness + 0.7827717662 * medium - 0.8086757660 * short,
    ]


def _hex(lab: list[float]) -> str:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(1.0, max(0.0, x)))):02x}" for x in linear)


def _linear(x: float) -> float:
    return x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4


def _gamma(x: float) -> float:
    return 12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055
