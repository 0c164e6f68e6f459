"""Evol-Instruct, whole, in one command (method: WizardLM, arXiv 2304.12244)."""
