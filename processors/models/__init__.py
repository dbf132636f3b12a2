"""Language models: strings in, plain tuples out, offline and on one core.

A model must never raise because of a text, and never know of brands, topics or stores.
"""
