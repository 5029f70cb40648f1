"""Observe an environment, judge it, and gate a run on the verdict."""

__version__ = "0.1.0"
