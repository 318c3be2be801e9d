"""The order in which a text is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.training import batches
from longhand.training.batches import Streams

START, LINE_END = 1, 2


def streams_of(ids: np.ndarray, batch: int, window: int, line_end: int | None = LINE_END) -> Streams:
    random = np.random.default_rng(0)
    return Streams(ids, batch=batch, window=window, start=START, line_end=line_end, random=random)


@given(st.integers(1, 9), st.integers(1, 30), st.integers(31, 300), st.integers(0, 2**32))
def test_every_target_is_the_token_after_its_input_and_streams_read_on(
    batch: int, window: int, length: int, seed: int
) -> None:
    # Each token occurs once, but for the line ends, so that its place in the text is known from it.
    ids = np.arange(10, 10 + length)
    ids[np.random.default_rng(seed).random(length) < 0.1] = LINE_END
    streams = streams_of(ids, batch, window)
    previous = None
    for _ in range(30):
        read = streams.read()
        assert read.inputs.shape == read.targets.shape == (window, batch)
        assert np.array_equal(read.inputs[1:], read.targets[:-1])
        assert np.array_equal(read.inputs[0] == START, read.restart)
        if previous is not None:
            on = ~read.restart
            assert np.array_equal(read.inputs[0, on], previous.targets[-1, on])
        for column in read.targets.T:
            places = [int(token) - 10 for token in column if token != LINE_END]
            inside = [place for place, token in enumerate(column) if token != LINE_END]
            assert len({place - offset for place, offset in zip(places, inside, strict=True)}) <= 1
        previous = read


def test_all_streams_begin_fresh_and_evenly_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "RESTART_SHARE", 0)
    read = streams_of(np.arange(10, 1010), 4, 5, line_end=None).read()
    assert read.restart.all()
    assert read.targets[0].tolist() == [10, 260, 510, 760]


def test_an_epoch_reads_every_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "RESTART_SHARE", 0)
    streams = streams_of(np.arange(10, 1010), 4, 5, line_end=None)
    seen = {int(token) for _ in range(50) for token in streams.read().targets.ravel()}
    assert seen == set(range(10, 1010))


def test_a_restart_by_chance_moves_on_to_a_line_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "RESTART_SHARE", 0.5)
    ids = np.arange(10, 2010)
    ids[49::50] = LINE_END
    streams = streams_of(ids, 3, 10)
    beginnings = {10, *(int(token) for token in ids[50::50])}
    restarts = 0
    for _ in range(100):
        read = streams.read()
        restarts += int(read.restart.sum())
        assert set(read.targets[0, read.restart].tolist()) <= beginnings
    assert restarts > 50


def test_the_end_of_the_text_is_followed_by_a_fresh_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "RESTART_SHARE", 0)
    streams = streams_of(np.arange(10, 33), 1, 10, line_end=None)
    reads = [streams.read() for _ in range(3)]
    assert [bool(read.restart[0]) for read in reads] == [True, False, True]
    assert [int(read.targets[0, 0]) for read in reads[:2]] == [10, 20]
    assert 10 <= reads[2].targets[0, 0] <= 20


def test_streams_of_a_short_text_stay_apart() -> None:
    streams = streams_of(np.arange(10, 910), 16, 64, line_end=None)
    reads = [streams.read() for _ in range(200)]
    assert np.mean([len(set(read.targets[0].tolist())) for read in reads[50:]]) > 14.5


def test_small_numbers_become_what_an_engine_can_index_with() -> None:
    read = streams_of(np.arange(3, 203, dtype=np.uint8), 2, 5).read()
    assert read.inputs.dtype == read.targets.dtype == np.int64
