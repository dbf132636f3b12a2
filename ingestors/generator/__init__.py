"""The demo's invented day of posts as a source. Never data about anybody real."""
