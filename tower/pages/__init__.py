"""Pages as HTML: the table of pages and panels, templates, and the words of both languages.

A panel is a fragment: it is rendered alone for the live stream and for the page's script.
"""
