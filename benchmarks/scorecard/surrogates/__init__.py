"""Series beside the labelled ones, to choose a detector that holds on brands nobody has seen.

Here live invented series without events, copies of the labelled ones, and the quiet years of real
companies. Never here: a parameter of the detector, or a figure of the page.
"""
