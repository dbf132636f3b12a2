"""Sources of posts, and the runner that puts them on Kafka.

Here live the :class:`~ingestors.source.Source` interface, one folder a source, and the runner that
owns delivery: acknowledgements, checkpoints, backpressure. A source never talks to Kafka and never
knows another source; the runner never knows a platform.
"""
