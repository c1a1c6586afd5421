"""The transformations: each takes a Python function and returns another."""
