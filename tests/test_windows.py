"""The classic recipe's reading order: every window once an epoch, shuffled, in no memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.training.shuffle import Shuffle
from longhand.training.windows import Windows


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@given(count=st.integers(1, 5000), seed=st.integers(0, 100))
def test_a_shuffle_has_every_number_once(count: int, seed: int) -> None:
    assert sorted(Shuffle(count, generator(seed)).at(0, count)) == list(range(count))


def test_a_shuffle_read_in_parts_is_the_same_shuffle() -> None:
    whole = Shuffle(1000, generator()).at(0, 1000)
    parts = [Shuffle(1000, generator()).at(begin, begin + 100) for begin in range(0, 1000, 100)]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("count", [1000, 4096, 100_000])
def test_a_shuffle_leaves_no_order_that_can_be_seen(count: int) -> None:
    places = np.arange(count)
    for seed in range(5):
        order = Shuffle(count, generator(seed)).at(0, count)
        assert abs(np.corrcoef(places, order)[0, 1]) < 5 / np.sqrt(count)
        assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 5 / np.sqrt(count)
        assert (np.diff(order) == 1).sum() < 10
    assert (Shuffle(count, generator(1)).at(0, count) == Shuffle(count, generator(2)).at(0, count)).sum() < 12


def test_every_window_comes_once_in_an_epoch_with_the_token_after_it() -> None:
    ids = np.random.default_rng(0).permutation(200).astype(np.uint8)
    windows = Windows(ids, batch=32, window=10, random=generator())
    assert (windows.count, windows.steps_per_epoch) == (190, 6)
    place = {int(token): number for number, token in enumerate(ids)}
    epochs: list[list[int]] = []
    for _ in range(2):
        seen = []
        for step in range(windows.steps_per_epoch):
            assert windows.at_epoch_end == (step == 0 and bool(epochs))
            window = windows.read()
            assert window.inputs.shape == (10, 32 if step < 5 else 30)
            assert window.targets.shape == (1, window.inputs.shape[1])
            assert window.restart.all()
            for inputs, target in zip(window.inputs.T, window.targets[0], strict=True):
                first = place[int(inputs[0])]
                assert np.array_equal(inputs, ids[first : first + 10])
                assert target == ids[first + 10]
                seen.append(first)
        assert sorted(seen) == list(range(190))
        epochs.append(seen)
    assert windows.at_epoch_end
    assert epochs[0] != epochs[1]


def test_memory_does_not_grow_with_the_number_of_windows() -> None:
    peaks = []
    for length in (10_000, 10_000_000):
        ids = np.zeros(length, np.uint8)
        tracemalloc.start()
        windows = Windows(ids, batch=128, window=100, random=generator())
        for _ in range(5):
            windows.read()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.1 + 10_000
