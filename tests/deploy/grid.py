"""The grid that a dashboard puts its panels on."""


def overlap(areas: list[dict[str, int]], width: int) -> bool:
    """Whether any two panels share a cell, or one leaves the grid."""
    cells = [
        (x, y)
        for area in areas
        for x in range(area["x"], area["x"] + area["w"])
        for y in range(area["y"], area["y"] + area["h"])
    ]
    return len(cells) > len(set(cells)) or any(x >= width for x, _ in cells)
