"""Run directory: the files of a run, how they are written, locked and read back."""
