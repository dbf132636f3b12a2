"""The source of every figure in the README and the docs.

``python -m benchmarks.pipeline`` (``make bench``) measures the whole pipeline on the engines;
``python -m benchmarks.accuracy`` (``make eval``) the accuracy of the annotators;
``python -m benchmarks.nlp`` (``make bench-nlp``) their speed and memory;
``python -m benchmarks.annotate`` the offline path, with each annotator's share.
"""
