"""An alert as text: ``report`` makes lines of facts, ``render`` makes plain text or HTML of them,
``catalogue`` has the words and formats of each language of ``locale``.

There is no template engine: the outputs share their lines and differ only in escaping, and the
blocks of Slack have limits that a template cannot keep.
"""
