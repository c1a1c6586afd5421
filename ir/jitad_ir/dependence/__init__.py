"""Which elements of the derivative of a program can be other than zero."""

from __future__ import annotations

from .analysis import TooDense, derivative_pattern

__all__ = ["TooDense", "derivative_pattern"]
