"""Draws the land and the places of countries for the control tower's map.

From ``countries-110m.json`` and ``countries-50m.json`` of the npm package ``world-atlas`` 2.0.2
(ISC licence; made from Natural Earth, which is in the public domain)::

    python -m training.world_shapes FOLDER_OF_THE_PACKAGE

Writes ``tower/static/land.svg`` (shapes in the Equal Earth projection, without a script or a style)
and ``tower/pictures/country_places.json`` (centre of the largest part of each country).
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from schemas.countries import country_code
from tower.pictures.world_map import HEIGHT, WIDTH, equal_earth

ROOT = Path(__file__).parents[1]
LEFT_OUT = {"Antarctica"}
NAMES = {
    "Åland": "ax", "Antigua and Barb.": "ag", "Bosnia and Herz.": "ba",
    "Br. Indian Ocean Ter.": "io",
    "British Virgin Is.": "vg", "Cabo Verde": "cv", "Cayman Is.": "ky",
    "Central African Rep.": "cf",
    "Congo": "cg", "Cook Is.": "ck", "Côte d'Ivoire": "ci", "Curaçao": "cw", "Czechia": "cz",
    "Dem. Rep. Congo": "cd", "Dominican Rep.": "do", "Eq. Guinea": "gq", "eSwatini": "sz",
    "Faeroe Is.": "fo", "Falkland Is.": "fk", "Fr. Polynesia": "pf", "Fr. S. Antarctic Lands": "tf",
    "Heard I. and McDonald Is.": "hm", "Hong Kong": "hk", "Kosovo": "xk", "Macao": "mo",
    "Macedonia": "mk", "Marshall Is.": "mh", "Micronesia": "fm", "Myanmar": "mm", "N. Cyprus": "",
    "N. Mariana Is.": "mp", "North Korea": "kp", "Palestine": "ps", "Pitcairn Is.": "pn",
    "S. Geo. and the Is.": "gs", "S. Sudan": "ss", "Saint Helena": "sh", "Saint Lucia": "lc",
    "São Tomé and Principe": "st", "Sint Maarten": "sx", "Solomon Is.": "sb", "Somaliland": "",
    "South Korea": "kr", "St-Barthélemy": "bl", "St-Martin": "mf", "St. Kitts and Nevis": "kn",
    "St. Pierre and Miquelon": "pm", "St. Vin. and Gren.": "vc", "Timor-Leste": "tl",
    "Trinidad and Tobago": "tt", "Turks and Caicos Is.": "tc", "U.S. Virgin Is.": "vi",
    "United States of America": "us", "Vatican": "va", "Vietnam": "vn", "W. Sahara": "eh",
    "Wallis and Futuna Is.": "wf", "Siachen Glacier": "", "Indian Ocean Ter.": "",
    "Ashmore and Cartier Is.": "",
}  # fmt: skip
"""Natural Earth's short names that ``schemas.countries`` does not know."""

Ring = list[tuple[float, float]]


def arcs_of(topology: Mapping[str, Any]) -> list[Ring]:
    """The arcs in degrees (TopoJSON: quantized and delta-encoded)."""
    (kx, ky), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    found = []
    for arc in topology["arcs"]:
        x = y = 0
        ring = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            ring.append((x * kx + dx, y * ky + dy))
        found.append(ring)
    return found


def rings_of(geometry: Mapping[str, Any], arcs: Sequence[Ring]) -> Iterator[Ring]:
    """The outer ring of each polygon."""
    kind = geometry["type"]
    polygons = [geometry["arcs"]] if kind == "Polygon" else geometry.get("arcs", [])
    for polygon in polygons:
        ring: Ring = []
        for number in polygon[0]:
            part = arcs[number] if number >= 0 else arcs[~number][::-1]
            ring += part[1:] if ring else part
        yield ring


def area_and_centre(ring: Ring) -> tuple[float, tuple[float, float]]:
    """In square degrees, and the centroid."""
    area = x = y = 0.0
    for (x0, y0), (x1, y1) in pairwise(ring):
        cross = x0 * y1 - x1 * y0
        area, x, y = area + cross, x + (x0 + x1) * cross, y + (y0 + y1) * cross
    if not area:
        return 0.0, ring[0]
    return abs(area / 2), (x / (3 * area), y / (3 * area))


def pieces_of(ring: Ring) -> list[Ring]:
    """The ring, cut where it crosses the antimeridian; its ends belong together."""
    pieces: list[Ring] = [[]]
    for place in ring:
        if pieces[-1] and abs(place[0] - pieces[-1][-1][0]) > 180:
            pieces.append([])
        pieces[-1].append(place)
    if len(pieces) == 1 or abs(pieces[-1][-1][0] - pieces[0][0][0]) > 180:
        return pieces
    return [pieces[-1] + pieces[0], *pieces[1:-1]]


def path_of(ring: Ring) -> str:
    """In steps of a tenth of a pixel, without points that are nearer than a pixel."""
    points: list[tuple[int, int]] = []
    for place in ring:
        x, y = (round(each * 10) for each in equal_earth(*place))
        if not points or abs(x - points[-1][0]) + abs(y - points[-1][1]) >= 10:
            points.append((x, y))
    if len(points) < 4:
        return ""
    steps = [f"{x1 - x0} {y1 - y0}" for (x0, y0), (x1, y1) in pairwise(points)]
    return f"M{points[0][0]} {points[0][1]}l" + " ".join(steps).replace(" -", "-") + "z"


def land(topology: Mapping[str, Any]) -> str:
    """One path a country."""
    arcs, paths = arcs_of(topology), []
    for geometry in topology["objects"]["countries"]["geometries"]:
        if geometry["properties"]["name"] in LEFT_OUT:
            continue
        rings = rings_of(geometry, arcs)
        drawn = "".join(path_of(piece) for ring in rings for piece in pieces_of(ring))
        if drawn:
            paths.append(f'<path d="{drawn}"/>')
    size = f'viewBox="0 0 {WIDTH * 10} {HEIGHT * 10}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(paths)}</svg>\n'


def places(topology: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    arcs, found = arcs_of(topology), {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        name = geometry["properties"]["name"]
        code = NAMES.get(name) if name in NAMES else country_code(name)
        if not code:
            if name not in NAMES:
                print(f"no code for {name}", file=sys.stderr)
            continue
        rings = rings_of(geometry, arcs)
        pieces = (piece for ring in rings for piece in pieces_of(ring))
        _, (x, y) = max(area_and_centre(piece) for piece in pieces)
        found[code.upper()] = (round(x, 1), round(y, 1))
    return dict(sorted(found.items()))


def main(folder: str) -> None:
    read = msgspec.json.decode
    small = read((Path(folder) / "countries-110m.json").read_bytes())
    large = read((Path(folder) / "countries-50m.json").read_bytes())
    (ROOT / "tower" / "static" / "land.svg").write_text(land(small), "utf-8")
    centres = msgspec.json.format(msgspec.json.encode(places(large)), indent=0)
    (ROOT / "tower" / "pictures" / "country_places.json").write_bytes(centres + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
