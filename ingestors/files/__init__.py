"""Files as a source: lines and rows, the mappings that say where a post is in them, and replay."""
