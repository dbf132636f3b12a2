"""Who may see and do what, and what no stranger can make a browser or the server do."""
