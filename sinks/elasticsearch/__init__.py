"""Mentions into Elasticsearch: idempotent, in order, nothing lost.

- ``connection``: the client; ``mappings``: the indices; ``setup``: creates and migrates them.
- ``documents``: a mention event to its document and back; pure.
- ``plan``: a batch as steps; ``bulk``: writes them; ``erasure``: deletes an author's posts.
- ``sink``: the consumer; ``side_threads``: housekeeping and the latency probe.
"""
