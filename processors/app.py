"""The old name of :mod:`processors.enrichment.app`, for ``faust -A processors.app``, until 0.3.0."""

from processors.enrichment.app import app
from runtime.logs import get_logger

__all__ = ["app"]

get_logger("process").warning("use 'faust -A processors.enrichment.app'; this name goes in 0.3.0")
