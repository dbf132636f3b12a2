"""The stream's pure functions over files and over the index: match, preview, rebuild."""
