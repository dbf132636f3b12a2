"""What the tokenizer is made of: the pattern of a token, the folds of letters, words of hashtags.

Here live tables and patterns over single letters and tokens. Never a whole text: that is
``text.tokens`` and ``text.phrases``, which share these folds.
"""
