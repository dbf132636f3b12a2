"""Fixtures that several folders of tests share."""

from tests.stack_fixtures import engines, stack_dir

__all__ = ["engines", "stack_dir"]
