"""The files of a run: append, read back, refuse to mix."""
