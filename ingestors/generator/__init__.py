"""An invented day of posts as a source, for the demo. It never holds data about real people."""
