"""Sources of posts and the runner that puts them on Kafka.

Here live the :class:`~ingestors.source.Source` interface, one module a platform, the mappings of
replayed files, and the runner that owns delivery (acknowledgements, checkpoints, backpressure).
A source never talks to Kafka; the runner never knows a platform. May import ``runtime``,
``queries`` and ``schemas``; never ``processors``, ``sinks`` or ``tocsin``.
"""
