"""Observe an environment, judge it, and gate a run on the verdict."""
