"""Tests of bgb.model."""
