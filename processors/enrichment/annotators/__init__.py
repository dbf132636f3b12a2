"""One annotator a module: a pure function over a batch of mentions that fills its own field."""
