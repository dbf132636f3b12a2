"""Mentions into Elasticsearch: idempotent, in order, and nothing lost.

- ``connection``: the client, and searches page by page; ``mappings``: what the indices look like;
  ``setup``: makes them so.
- ``documents``: a mention event and its document, both ways; pure.
- ``plan``: what a batch asks for, and where a deleted post is; ``bulk``: writes and triages item by
  item; ``erasure``: takes away what an author wrote.
- ``sink``: the consumer loop; ``housekeeping`` and ``probe``: its two side threads.
"""
