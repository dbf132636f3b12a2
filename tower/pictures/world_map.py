"""The world: a bubble a country, its area the volume, its colour the lean of the tone.

The land is a static file in the same projection (``static/land.svg``); bubbles are drawn over it.
Places are the label points of Natural Earth (public domain), in ``country_places.json``.
"""

import importlib.resources
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import msgspec
from markupsafe import Markup

from tower.pictures.shapes import element, group

WIDTH: Final = 960
HEIGHT: Final = 440
MAX_RADIUS: Final = 40.0
MIN_RADIUS: Final = 5.0
_A: Final = (1.340264, -0.081106, 0.000893, 0.003796)
_M: Final = math.sqrt(3) / 2
_NORTH: Final = 84.0
_SOUTH: Final = -56.0


@dataclass(frozen=True)
class Bubble:
    """``lean``: -1 (all negative) to 1; None: too few with a tone."""

    country: str
    mentions: int
    lean: float | None
    label: str
    href: str | None = None


def equal_earth(longitude: float, latitude: float) -> tuple[float, float]:
    """Degrees to pixels of the picture, in the Equal Earth projection (Šavrič et al. 2018)."""
    x, y = _projected(longitude, latitude)
    left, top = _projected(-180, 0)[0], _projected(0, _NORTH)[1]
    bottom = _projected(0, _SOUTH)[1]
    scale = min(WIDTH / (-2 * left), HEIGHT / (top - bottom))
    return (x - left) * scale + (WIDTH + 2 * left * scale) / 2, (top - y) * scale


def _projected(longitude: float, latitude: float) -> tuple[float, float]:
    a1, a2, a3, a4 = _A
    t = math.asin(_M * math.sin(math.radians(latitude)))
    t2 = t * t
    t6 = t2 * t2 * t2
    slope = a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2)
    return (
        math.radians(longitude) * math.cos(t) / (_M * slope),
        t * (a1 + a2 * t2 + t6 * (a3 + a4 * t2)),
    )


@cache
def country_places() -> Mapping[str, tuple[float, float]]:
    """ISO 3166-1 alpha-2 to longitude and latitude, degrees."""
    file = importlib.resources.files("tower.pictures") / "country_places.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, tuple[float, float]])


def world_map(bubbles: Sequence[Bubble], label: str) -> Markup:
    """Large bubbles first, so that small ones stay on top."""
    most = max((bubble.mentions for bubble in bubbles), default=1)
    parts = []
    for bubble in sorted(bubbles, key=lambda one: (-one.mentions, one.country)):
        place = country_places().get(bubble.country)
        if place is None:
            continue
        x, y = equal_earth(*place)
        radius = max(MIN_RADIUS, MAX_RADIUS * math.sqrt(bubble.mentions / most))
        shown = [
            element("title", bubble.label),
            element("circle", class_=f"bubble {lean_class(bubble.lean)}", cx=x, cy=y, r=radius),
        ]
        if radius >= 9:
            shown.append(
                element(
                    "text", bubble.country, class_="place", x=x, y=y + 3.5, text_anchor="middle"
                )
            )
        body = Markup("").join(shown)
        parts.append(
            element("a", body, href=bubble.href, aria_label=bubble.label)
            if bubble.href
            else group([body])
        )
    return element(
        "svg",
        Markup("").join(parts),
        class_="world",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="group",
        aria_label=label,
    )


def lean_class(lean: float | None) -> str:
    if lean is None:
        return "unknown"
    return "negative" if lean < -0.2 else "positive" if lean > 0.2 else "mixed"
