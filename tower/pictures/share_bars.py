"""A bar of tones: negative, neutral, positive, as one row of a list.

Widths are attributes of SVG, since the security policy allows no style attribute. Each part has a
pattern of its own as well as a colour (``tower.css``).
"""

from typing import Final

from markupsafe import Markup

from tower.pictures.shapes import element

_WIDE: Final = 200.0
_TALL: Final = 8.0
_TONES: Final = ("negative", "neutral", "positive")


def share_bar(counts: tuple[int, int, int], most: int, rest: int = 0, label: str = "") -> Markup:
    """``counts``: negative, neutral, positive; ``rest``: without a tone; ``most``: a full bar."""
    parts, x = [], 0.0
    for name, count in (*zip(_TONES, counts, strict=True), ("rest", rest)):
        if count <= 0:
            continue
        wide = _WIDE * min(1.0, count / max(1, most))
        parts.append(
            element("rect", class_=f"tone {name}", x=x, y=0, width=max(0.5, wide), height=_TALL)
        )
        x += wide
    return element(
        "svg",
        Markup("").join(parts),
        class_="bar",
        viewBox=f"0 0 {_WIDE:g} {_TALL:g}",
        preserveAspectRatio="none",
        role="img" if label else None,
        aria_label=label or None,
        aria_hidden=None if label else "true",
    )


def single_bar(count: int, most: int) -> Markup:
    """A bar of one count."""
    wide = max(0.5, _WIDE * min(1.0, count / max(1, most)))
    body = element("rect", class_="tone count", x=0, y=0, width=wide, height=_TALL)
    return element(
        "svg",
        body,
        class_="bar",
        viewBox=f"0 0 {_WIDE:g} {_TALL:g}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def interval_bar(low: float, middle: float, high: float) -> Markup:
    """A share with its interval, from 0 to 1."""
    parts = [
        element("rect", class_="rail-line", x=0, y=3.5, width=_WIDE, height=1),
        element(
            "rect", class_="interval", x=low * _WIDE, y=1, width=(high - low) * _WIDE, height=6
        ),
        element("rect", class_="share", x=middle * _WIDE - 1, y=0, width=2.0, height=_TALL),
    ]
    return element(
        "svg",
        Markup("").join(parts),
        class_="bar",
        viewBox=f"0 0 {_WIDE:g} {_TALL:g}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
