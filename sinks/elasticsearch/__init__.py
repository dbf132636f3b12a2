"""Mentions into Elasticsearch: idempotent, in order, and nothing lost.

- ``client``: the connection; ``indices``: what the indices look like; ``setup``: makes them so.
- ``documents``: a mention event and its document, both ways; pure.
- ``bulk``: writes and triages item by item; ``locate``: finds what a delete is about;
  ``erasure``: takes away what an author wrote.
- ``service``: the consumer loop; ``housekeeping`` and ``probe``: its two side threads.
"""
