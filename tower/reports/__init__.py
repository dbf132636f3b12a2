"""Reports: a named list of questions with fixed parameters, kept as it was answered.

A kept report has counts, ids of posts and accounts, and terms that at least three people used. It
has no text of a post and no name of an author: they are looked up when it is opened, so what was
deleted or erased since is not shown.
"""
