"""Asking models: clients, and what each call passes on its way to one (see `clients`)."""
