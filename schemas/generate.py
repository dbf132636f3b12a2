"""Writes the JSON Schemas of all topics from the message types: ``python -m schemas.generate``.

``--release VERSION`` also freezes them under ``schemas/released/``. The tests compare later
changes with these.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from schemas.topic_registry import CODECS

FOLDER = Path(__file__).parent


def json_schema(topic: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of the topic's values."""
    schema = msgspec.json.schema(CODECS[topic].type)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"tocsin {topic}",
        **schema,
    }


def render(topic: str) -> bytes:
    return msgspec.json.format(msgspec.json.encode(json_schema(topic)), indent=2) + b"\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", metavar="VERSION", help="also freeze as released VERSION")
    release = parser.parse_args(arguments).release
    folders = [FOLDER / "topics"]
    if release:
        folders.append(FOLDER / "released" / release)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for topic in CODECS:
            (folder / f"{topic}.schema.json").write_bytes(render(topic))
    sys.stdout.write(f"wrote {len(CODECS)} schemas to {len(folders)} folder(s)\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
