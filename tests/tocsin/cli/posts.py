"""Posts as files hold them."""

import json
from typing import Any


def lines(*posts: dict[str, Any]) -> bytes:
    """One JSON object a line."""
    return b"".join(json.dumps(post).encode() + b"\n" for post in posts)
