"""Passes: each takes Graphs to Graphs, valid in, valid out. One file a pass."""
