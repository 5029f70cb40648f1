"""From a checkpoint to events, scores and figures."""
