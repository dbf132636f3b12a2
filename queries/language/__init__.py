"""The query language: lexer, parser, tree, fields, saved queries and errors.

Nothing here matches a post or knows a back end.
"""
