"""Writes ``dashboards/*.json`` from ``boards/*.yaml``: ``python -m deploy.grafana``."""

from pathlib import Path

from deploy.grafana.dashboard_layout import read_dashboard

HERE = Path(__file__).parent
DASHBOARDS = HERE / "dashboards"


def written() -> dict[Path, str]:
    """Each file and its text; a dashboard's file has its id as the name."""
    boards = map(read_dashboard, sorted((HERE / "boards").glob("*.yaml")))
    return {DASHBOARDS / f"{board.uid}.json": board.text() for board in boards}


if __name__ == "__main__":
    for file, text in written().items():
        file.write_text(text, "utf-8")
