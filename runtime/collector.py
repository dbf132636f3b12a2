"""The garbage collector, paused while models load and while a batch of posts is read.

Loading makes millions of objects that stay, and a batch tens of thousands that stay until its end.
The collector visits all of them again and again and frees none: a fifth of the time until ten posts
are annotated, and a fifth of the time of a batch.
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


def leave_loaded() -> None:
    """From now on the collector leaves alone what is loaded: it stays until the process ends."""
    gc.collect()
    gc.freeze()
