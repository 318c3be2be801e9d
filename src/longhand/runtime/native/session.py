"""A session that runs the kernel; see `longhand.runtime.session.WritingSession` for what it offers."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.native.memory import aligned
from longhand.runtime.native import library
from longhand.runtime.native.drawing import drawn_how, guided_by
from longhand.runtime.native.library import Library, Task
from longhand.runtime.native.packing import MOST, UNITS, Packed
from longhand.runtime.reference import head_logits
from longhand.runtime.session import (
    Drawing,
    Guide,
    Streams,
    checked_output,
    checked_state,
    checked_streams,
    checked_temperatures,
    checked_tokens,
    no_choice,
    not_finite,
)
from longhand.state import State

# Bytes of weights, times streams, below which a second thread costs more than it saves: of a step, for the threads'
# meetings, and of a call, for the threads' start. That takes milliseconds where a core has to be woken: one text's
# beginning is sooner written by one thread, while who runs several streams keeps the cores awake (LOG.md).
LEAST_STEP, LEAST_CALL, LEAST_TEXT = 250_000, 25_000_000, 500_000_000
PAUSE = 0.05  # seconds after which the cores may be asleep again (LOG.md)
# Where other programs keep a core busy, threads that wait for one another are slower than one alone, up to eight times.
# So many slow calls in a row, and one thread makes the next ones alone; two or three are slow after any pause.
SLOW_CALLS, CALLS_ALONE = 6, 12


class NativeSession:
    """Runs a packed network for `batch` streams; the global lock is free while it does.

    - threads: the most that a call may use; it uses one where more would not pay. The numbers do not depend on it
    """

    window = None

    def __init__(self, kernel: Library, packed: Packed, batch: int = 1, threads: int = 1) -> None:
        self.batch, self.threads = batch, threads
        self._kernel, self._packed = kernel, packed
        layers, width = packed.config.layers, packed.hidden + UNITS
        self._hidden = aligned((layers, 2, batch, width), np.float32)
        self._shown = aligned((layers, 2, batch, width), np.int8) if packed.precision == "int8" else None
        self._cell = aligned((layers, batch, width), np.float32)
        self._place = aligned((batch,), np.uint8)  # which of the two hidden states holds
        self._states = library.States(capacity=batch, width=width)
        for name in ("hidden", "shown", "cell", "place"):
            setattr(self._states, name, _address(getattr(self, f"_{name}")))
        self._read, self._left = 0, 0.0  # bytes of weights without a pause, and when the last call ended
        self._rate_alone, self._slow, self._alone = (
            0.0,
            0,
            0,
        )  # of one thread, bytes a second; slow calls; calls to come

    @property
    def vocabulary_size(self) -> int:
        """Number of different tokens."""
        return self._packed.config.vocabulary_size

    @property
    def state(self) -> State:
        """A copy of the state; assigning one goes on from there."""
        return self.states(range(self.batch))

    @state.setter
    def state(self, state: State) -> None:
        self.put(state, range(self.batch))

    def states(self, streams: Streams) -> State:
        """Return a copy of the state of these streams, in that order."""
        rows, size = checked_streams(streams, self.batch), self._packed.config.hidden
        return State(self._hidden[:, self._place[rows], rows, :size], self._cell[:, rows, :size])

    def put(self, state: State, streams: Streams) -> None:
        """Put these streams into a state of so many."""
        rows, size = checked_streams(streams, self.batch), self._packed.config.hidden
        state = checked_state(state, self._packed.config, len(rows))
        self._place[rows] = 0
        self._hidden[:, 0, rows, :size], self._cell[:, rows, :size] = state.hidden, state.cell
        if self._shown is not None:
            self._shown[:, 0, rows, :size] = np.rint(state.hidden * MOST)

    def restart(self, streams: Streams) -> None:
        """Put these streams back to the fresh state."""
        rows = checked_streams(streams, self.batch)
        self._cell[:, rows] = 0
        for shown in (self._hidden, self._shown):
            if shown is not None:
                shown[:, :, rows] = 0

    def step(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read one token a stream, (batch,), and return the logits of the next, (batch, vocabulary)."""
        logits: FloatArray = self.feed(tokens[None], streams)[0]
        return logits

    def feed(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read tokens, (time, batch), and return the logits after each, (time, batch, vocabulary)."""
        logits = np.empty((*tokens.shape, self._packed.config.vocabulary_size), np.float32)
        self._run(tokens, streams, len(tokens), logits=logits)
        return logits

    def advance(self, tokens: TokenIds, streams: Streams | None = None) -> FloatArray:
        """Read tokens, (time, batch), and return what the last layer shows after each, (time, batch, hidden)."""
        outputs = np.empty((*tokens.shape, self._packed.hidden), np.float32)
        self._run(tokens, streams, len(tokens), outputs=outputs)
        return outputs[..., : self._packed.config.hidden]

    def logits(self, outputs: FloatArray) -> FloatArray:
        """Return the logits, (..., vocabulary), of what the last layer showed, (..., hidden)."""
        return head_logits(self._packed.weights, outputs)

    def write(
        self,
        tokens: TokenIds,
        drawings: Sequence[Drawing],
        uniforms: DoubleArray,
        streams: Streams | None = None,
        *,
        recent: Sequence[TokenIds] | None = None,
        temperatures: DoubleArray | None = None,
        logits: FloatArray | None = None,
        guides: Sequence[tuple[Guide, int] | None] | None = None,
    ) -> TokenIds:
        """Read one token a stream, draw the next and read on from it; return those drawn, (time, batch)."""
        if uniforms.ndim != 2 or uniforms.shape[1] != len(tokens) or len(drawings) != len(tokens):
            raise ValueError(f"{len(tokens)} tokens, {len(drawings)} drawings and uniforms {uniforms.shape}")
        shape, size = uniforms.shape, self.vocabulary_size
        if logits is not None:
            checked_output(logits, (*shape, size))
        arrays: dict[str, Any] = {"drawn": np.empty(shape, np.int32), "logits": logits}
        arrays["chance"] = np.array(uniforms, np.float64, order="C")
        if not ((arrays["chance"] >= 0) & (arrays["chance"] < 1)).all():
            raise ValueError("uniforms: found some that are not in [0, 1)")
        if temperatures is not None:
            arrays["temperatures"] = checked_temperatures(temperatures, shape)
        arrays |= drawn_how(drawings, recent, size)
        tables: list[Any] = []  # what the guides' addresses point to
        if guides is not None and any(guide is not None for guide in guides):
            if len(guides) != len(drawings):
                raise ValueError(f"{len(guides)} guides, expected one a stream, {len(drawings)}")
            guiding, tables = guided_by(guides)
            arrays |= guiding
        done = self._run(tokens[None], streams, len(uniforms), **arrays)
        del tables
        drawn: TokenIds = arrays["drawn"][:done]
        return drawn

    def threads_for(self, streams: int, steps: int) -> int:
        """Return how many threads serve a call of so many steps that comes now."""
        if time.monotonic() - self._left > PAUSE:
            self._read = 0
        step = self._packed.step_bytes * streams
        if step < LEAST_STEP or step * steps < LEAST_CALL or self._alone:
            return 1
        return self.threads if streams > 1 or self._read + step * steps >= LEAST_TEXT else 1

    def _run(self, tokens: TokenIds, streams: Streams | None, steps: int, **arrays: npt.NDArray[Any] | None) -> int:
        """Carry out a task of `steps`, with what it reads and writes in arrays called as in kernel.c.

        Returns how many of them were made.
        """
        config, slots = self._packed.config, checked_streams(streams, self.batch)
        own = np.array(tokens)  # a copy, which nobody changes between the check and the call
        given = np.array(checked_tokens(own, slots, config.vocabulary_size), np.int32, order="C")
        task = Task(streams=len(slots), steps=steps, threads=self.threads_for(len(slots), steps))
        task.network, task.states = ctypes.pointer(self._packed.network), ctypes.pointer(self._states)
        for name, array in {"slots": slots, "given": given, **arrays}.items():
            setattr(task, name, _address(array))
        task.remembered = 0 if (recent := arrays.get("recent")) is None else recent.shape[1]
        task.listed = 0 if (biased := arrays.get("biased")) is None else biased.size
        began = time.monotonic()
        status = self._kernel.run(task)
        self._note(len(slots), steps, task.threads, began)
        if status == library.NOT_FINITE:
            raise not_finite()
        if status == library.NO_CHOICE:
            raise no_choice()
        if status == library.BAD_TASK:
            raise ValueError("the kernel refused a call: a token, a stream or a state of a guide is out of range")
        if status not in (library.DONE, library.PAUSED):
            raise MemoryError
        return int(task.done)

    def _note(self, streams: int, steps: int, threads: int, began: float) -> None:
        """Take note of a call: how much it read, and whether several threads were slower than one."""
        self._left, read = time.monotonic(), self._packed.step_bytes * streams * steps
        self._read += read
        if streams > 1 or read < LEAST_CALL:
            return
        rate = read / max(self._left - began, 1e-9)
        if threads == 1:
            self._rate_alone, self._alone = rate, max(0, self._alone - 1)
            return
        self._slow = self._slow + 1 if rate < 0.8 * self._rate_alone else 0
        if self._slow == SLOW_CALLS:
            self._slow, self._alone = 0, CALLS_ALONE


def _address(array: npt.NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data
