"""Handlers, one file for each group."""
