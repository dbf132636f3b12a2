"""The query language: lexer, parser, tree, fields, saved queries and errors; no back end."""
