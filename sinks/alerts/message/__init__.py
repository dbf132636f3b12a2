"""An alert as text.

- ``report``: what is said, as lines of facts; ``render``: the lines as plain text, HTML or blocks.
- ``catalogue``: the words and formats of each language, a file of ``locale``.

There is no template engine: the outputs share their lines and differ only in how a line is escaped,
and Slack's blocks are data with limits of their own, which a template of text cannot keep.
"""
