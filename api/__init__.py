"""REST Angular's web process and what it shares with the worker: every folder here but kernel/ is a feature."""
