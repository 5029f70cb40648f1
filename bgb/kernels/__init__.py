"""Compile the packages with the Mamba kernels from their pinned sources, and keep what was made."""
