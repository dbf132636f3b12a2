"""The shape of the indices: their mappings and templates, how they are made and checked."""
