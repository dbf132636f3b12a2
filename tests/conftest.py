"""What all tests share: how hard Hypothesis tries, and the running servers."""

import os

from hypothesis import HealthCheck, settings

from tests.stack_fixtures import engines, stack_dir

__all__ = ["engines", "stack_dir"]

# No deadlines: a busy machine is no bug. In CI the same examples every time.
settings.register_profile(
    "local", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")
