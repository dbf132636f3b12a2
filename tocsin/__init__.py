"""The command line, the local stacks and the demo: what a person starts.

Nothing may import this package; it may import all others.
"""
