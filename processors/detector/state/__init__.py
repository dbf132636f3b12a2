"""What the detector knows of one brand: counts, baselines, near-duplicates, and their encoding."""
