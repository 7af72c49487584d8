"""Processes that the package starts, isolated, and a pool of worker processes."""
