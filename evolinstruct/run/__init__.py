"""One run, from what was asked to how it ended."""
