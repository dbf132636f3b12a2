"""Compiles queries to rules of X: a superset, with a report of what widened or may be lost.

Builds text only; never calls X.
"""
