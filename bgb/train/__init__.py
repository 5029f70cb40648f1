"""Training on Lightning: what an epoch holds, what is kept of a run, and what stops it."""
