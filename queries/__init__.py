"""How text is read and brands are found in it.

Here live the tokenizer that the live matcher and the index share, the matcher of brands, and (as
it grows) the brand query language with its back ends. Pure functions; imports ``schemas`` only.
"""
