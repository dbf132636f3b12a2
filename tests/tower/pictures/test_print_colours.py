"""Pictures for paper carry their colours; they are those of the light theme."""

import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from tower.pictures.hour_grid import hour_grid
from tower.pictures.print_colours import mixed, print_style, printed, with_land
from tower.pictures.share_bars import share_bar
from tower.pictures.world_map import Bubble, world_map


def test_the_rules_have_no_variable_and_no_theme() -> None:
    style = print_style()
    assert "var(" not in style and "light-dark" not in style and "color-mix" not in style
    rules = dict(re.findall(r"([^{}]+)\{([^{}]*)\}", style))
    assert rules[".area.all"] == "fill: #cfdadd"
    assert rules["rect.tone.negative"] == "fill: #b8450f"
    assert rules[".usual"].startswith("fill: none; stroke: #1a1f24")


@pytest.mark.parametrize(
    "picture",
    [
        share_bar((3, 2, 1), 6, label="<b>&"),
        hour_grid([[1] * 24 for _ in range(7)], ["Mon"] * 7, "hours"),
        world_map([Bubble("FR", 3, -1.0, '"><script>')], "world"),
    ],
)
def test_a_printed_picture_is_a_document_of_its_own(picture: Markup) -> None:
    tree = ElementTree.fromstring(printed(picture))
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    assert tree[0].tag.endswith("style")
    classes = {one.get("class") for one in tree.iter() if one.get("class")}
    drawn = [one for name in classes for one in name.split() if one.startswith("heat-")]  # type: ignore[union-attr]
    assert all(f".{one}" in print_style() for one in drawn)


def test_the_land_is_below_the_bubbles() -> None:
    land = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9600 4400"><path d="M0 0h9z"/></svg>'
    )
    whole = printed(with_land(world_map([Bubble("FR", 3, None, "FR")], "w"), land, 960, 440))
    kinds = [one.tag.rpartition("}")[2] for one in ElementTree.fromstring(whole).iter()]
    assert kinds.index("path") < kinds.index("circle")
    assert 'transform="scale(0.1000)"' in whole


def test_colours_are_mixed_as_browsers_do() -> None:
    # Half of the lightness of OKLab is an eighth of the light.
    assert mixed("#000", "#fff", 1) == "#000000"
    assert mixed("#000", "#fff", 0) == "#ffffff"
    assert mixed("#000000", "#ffffff", 0.5) == "#636363"
