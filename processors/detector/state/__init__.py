"""The state of one brand: counts, baselines and near-duplicates."""
