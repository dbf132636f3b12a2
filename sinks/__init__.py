"""Where mentions go: consumers that write to stores and acknowledge only what was written.

One subpackage a store. May import ``runtime``, ``queries`` and ``schemas``.
"""
