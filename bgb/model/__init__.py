"""The network: temporal convolutions, bidirectional Mamba-2 layers, a logit per sample."""
