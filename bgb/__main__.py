"""`python -m bgb`."""

from __future__ import annotations

from bgb.cli import main

main()
