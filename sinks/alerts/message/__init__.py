"""An alert as text, in French and English."""
