"""Writes ``tocsin.ndjson``, the file that Kibana imports: ``python -m deploy.kibana``."""

from pathlib import Path

from deploy.kibana.analyst_board import ANALYSTS
from deploy.kibana.crisis_board import CRISIS
from deploy.kibana.data_views import VIEWS
from deploy.kibana.discover_sessions import SESSIONS
from deploy.kibana.ops_board import OPS
from deploy.kibana.saved_object import ndjson

FILE = Path(__file__).with_name("tocsin.ndjson")
BOARDS = (ANALYSTS, CRISIS, OPS)


def written() -> str:
    """The file: data views, Discover sessions, then dashboards, which refer to both."""
    return ndjson(each.saved() for each in (*VIEWS, *SESSIONS, *BOARDS))


if __name__ == "__main__":
    FILE.write_text(written(), "utf-8")
