"""How settings and files that people write are read, and what is wrong with them in plain words.

Here live the base of the groups of settings, the names of variables, YAML files and secrets. The
groups themselves are :mod:`runtime.settings`.
"""
