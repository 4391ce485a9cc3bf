"""Hostile inputs: `python -m tests.fuzz` gives each part of the server that reads what strangers send whatever they
might send, and measures what it costs."""
