"""Reads a picture strictly, as XML, and checks what no picture may hold."""

import math
import re
import xml.etree.ElementTree as ET
from typing import Final

ELEMENTS: Final = {"svg", "g", "rect", "line", "path", "circle", "text", "title", "a"}
NUMBERS: Final = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"}
NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def read(markup: str) -> ET.Element:
    """The tree of a picture; it is well formed, has no style and no script, and finite numbers."""
    root = ET.fromstring(markup)
    assert root.tag == "svg"
    assert re.fullmatch(r"0 0 \d+(\.\d+)? \d+(\.\d+)?", root.attrib["viewBox"])
    for element in root.iter():
        assert element.tag in ELEMENTS, element.tag
        for name, value in element.attrib.items():
            assert name != "style" and not name.startswith("on"), name
            if name in NUMBERS:
                assert NUMBER.fullmatch(value) and math.isfinite(float(value)), (name, value)
            if name in ("width", "height", "r"):
                assert float(value) >= 0
        if element.tag == "path":
            check_path(element.attrib["d"])
    return root


def check_path(path: str) -> None:
    """Commands with finite numbers."""
    rest = re.sub(r"[MLHVZ ]", " ", path)
    for number in rest.split():
        assert NUMBER.fullmatch(number), path


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    """The elements of a class, in order."""
    return [one for one in root.iter() if name in one.attrib.get("class", "").split()]


def texts(root: ET.Element, tag: str = "text") -> list[str]:
    return [one.text or "" for one in root.iter(tag)]
