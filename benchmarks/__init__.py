"""Where every figure in the README and the docs comes from; anyone can run them.

``python -m benchmarks.pipeline`` (``make bench``) runs the whole pipeline on the engines;
``python -m benchmarks.accuracy`` (``make eval``) how right the annotators are;
``python -m benchmarks.nlp`` (``make bench-nlp``) how fast, and what they need;
``python -m benchmarks.annotate`` the offline path, and each annotator's share of it.
"""
