"""The mutable part of a running network: what every layer remembers. A few kilobytes, easily copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longhand.arrays import BoolArray, FloatArray
from longhand.config import NetworkConfig


@dataclass
class State:
    """Hidden and cell state of all layers for `batch` independent streams.

    - hidden: (layers, batch, hidden), what each layer last said, between -1 and 1
    - cell: (layers, batch, hidden), what each layer remembers
    """

    hidden: FloatArray
    cell: FloatArray

    @classmethod
    def zeros(cls, config: NetworkConfig, batch: int) -> State:
        """Return the fresh state that every text starts from."""
        shape = (config.layers, batch, config.hidden)
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.float32))

    def of(self, streams: Sequence[int]) -> State:
        """Return a copy of the state of some of the streams."""
        return State(self.hidden[:, list(streams)], self.cell[:, list(streams)])

    def copy(self) -> State:
        """Return a state that shares no memory with this one."""
        return State(self.hidden.copy(), self.cell.copy())

    def restarted(self, streams: BoolArray) -> State:
        """Return this state with the marked streams, (batch,), back at the fresh state."""
        keep = ~streams[None, :, None]
        return State(self.hidden * keep, self.cell * keep)
