"""The garbage collector, paused while models and modules load.

Loading makes millions of objects that stay. The collector visits all of them again and again and
frees none: a fifth of the time until ten posts are annotated.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """No collection inside; nested pauses end with the outermost. Reference counts go on."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
