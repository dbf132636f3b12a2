"""The command line: one module a group of commands; ``main`` puts them together.

A command reads its arguments, builds objects, calls them, and prints. It holds no logic that
another program could want.
"""
