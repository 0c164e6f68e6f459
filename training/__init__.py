"""Makes the classifiers that tell talk from answers, from texts of ours: ``python -m training``."""
