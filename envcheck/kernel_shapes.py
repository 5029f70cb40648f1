"""The shape of a Mamba-2 layer and what follows from it by arithmetic: widths, bytes, operations. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerShape:
    """Named as the arguments of `mamba_ssm.Mamba2`."""

    d_model: int = 512
    d_state: int = 16
    d_conv: int = 4
    expand: int = 2
    headdim: int = 64
    ngroups: int = 1
    chunk_size: int = 256

    @property
    def d_inner(self) -> int:
        """Channels of the scan: heads times headdim."""
        return self.expand * self.d_model

    @property
    def heads(self) -> int:
        return self.d_inner // self.headdim

    @property
    def conv_width(self) -> int:
        """Channels of the causal convolution: x, B and C."""
        return self.d_inner + 2 * self.ngroups * self.d_state

    @property
    def projection_width(self) -> int:
        """Outputs of the input projection: z, x, B, C and dt."""
        return self.d_inner + self.conv_width + self.heads

    @property
    def parameters(self) -> int:
        """Of the layer, all that an optimizer updates."""
        projections = self.d_model * (self.projection_width + self.d_inner)
        return projections + self.conv_width * (self.d_conv + 1) + 3 * self.heads + self.d_inner


BACKWARD = 2.5
"""Work of a backward pass of the scan in forward passes: it recomputes the states, then makes both sides' gradients."""


def scan_operations(shape: LayerShape, batch: int, steps: int) -> float:
    """Operations of one forward scan by chunks (Mamba-2, arXiv:2405.21060, section 6), the causal half counted once."""
    chunk = min(shape.chunk_size, steps)
    within = shape.ngroups * shape.d_state * chunk + shape.heads * shape.headdim * chunk
    between = 4 * shape.heads * shape.headdim * shape.d_state
    return float(batch * steps * (within + between))


def scan_bytes(shape: LayerShape, batch: int, steps: int, element: int) -> float:
    """Bytes that one forward scan must read and write: x, dt, B, C, y, and the float32 states of the chunks twice."""
    chunks = -(-steps // shape.chunk_size)
    per_step = 2 * shape.d_inner + 2 * shape.ngroups * shape.d_state + shape.heads
    states = batch * chunks * shape.heads * shape.headdim * shape.d_state
    return float(batch * steps * per_step * element + 2 * 4 * states)


def layer_operations(shape: LayerShape, batch: int, steps: int) -> float:
    """Operations of one forward layer: both projections and the scan; the convolution is a thousandth of it."""
    projections = 2 * shape.d_model * (shape.projection_width + shape.d_inner)
    return batch * steps * projections + scan_operations(shape, batch, steps)
