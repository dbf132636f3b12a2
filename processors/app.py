"""The old name of :mod:`processors.enrichment.app`, until 0.3.0: ``faust -A processors.app``."""

from processors.enrichment.app import app
from runtime.logs import get_logger

__all__ = ["app"]

get_logger("process").warning("use 'faust -A processors.enrichment.app'; this name goes in 0.3.0")
