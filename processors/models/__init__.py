"""Language understanding: pure wrappers from text to labels.

Every model here takes strings and gives plain tuples. It works offline, on one core, and must
never raise because of what a post contains, never change the text it was given and never know of
brands, topics or stores.
"""
