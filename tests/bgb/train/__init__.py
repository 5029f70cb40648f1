"""Tests of bgb.train."""
