"""The stream processors: enrichment, the crisis detector, and what both stand on.

Here live two services that never import each other (``enrichment``, ``detector``), the Faust
shell that both use (``faust``), the language models (``models``) and the volume model (``volume``).
Never a store or a platform.
"""
