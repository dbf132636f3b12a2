"""Inner loops of the enrichment, compiled by Numba: arrays in, arrays out.

A kernel never defines what is computed. A reference in plain Python does, in the module that uses
the kernel; tests hold the two equal, and the reference runs where there is no Numba.
"""
