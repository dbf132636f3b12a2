"""Where every figure in the README and the docs comes from; anyone can run them.

``python -m benchmarks.pipeline`` (``make bench``) runs the whole pipeline on the engines;
``python -m benchmarks.models`` the annotators; ``python -m benchmarks.annotate`` the offline path.
"""
