"""The garbage collector, paused while models and modules load, and while a sink reads a batch.

Loading makes millions of objects that stay. The collector visits all of them again and again and
frees none: a fifth of the time until ten posts are annotated. A batch of messages is as vain a
search: its objects are in no cycle, so reference counts free them.
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
