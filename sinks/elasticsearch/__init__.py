"""Mentions into Elasticsearch: idempotent, in order, nothing lost.

- ``connection``: the client; ``mappings``: the indices; ``setup``: creates and migrates them.
- ``documents``: a mention event to its document and back; pure.
- ``plan``: a batch as steps; ``placement``: what they write, given what ``lookup`` finds;
  ``bulk``: writes it.
- ``erasure``: deletes an author's posts; ``alert_redaction``, ``report_redaction``: take an
  author out of alerts and reports;
  ``retention``: deletes for good.
- ``coverage``: the history of what was heard of each source.
- ``sink``: the consumer; ``side_threads``: housekeeping and the latency probe.
"""
