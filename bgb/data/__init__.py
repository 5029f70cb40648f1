"""From EDF files and their labels to windows of signal that a network can train on."""
