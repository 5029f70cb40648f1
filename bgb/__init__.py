"""Train an EEG seizure detector, after proving that the run about to start is the run that was meant."""
