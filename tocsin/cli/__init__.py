"""The command line: one module per group of commands; ``main`` puts them together.

A command reads its arguments, builds objects, calls them, and prints. Logic that another program
could use belongs elsewhere.
"""
