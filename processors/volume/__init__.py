"""The volume model: unusual counts in one series, for ``tocsin score-series`` and the detector.

Pure: a count and its time in, a score out.
"""
