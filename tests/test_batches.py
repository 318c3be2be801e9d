"""The order in which a text is read."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longhand.training.batches import Streams

START, LINE_END = 1, 2


def streams_of(ids: np.ndarray, batch: int, window: int, line_end: int | None = LINE_END) -> Streams:
    random = np.random.default_rng(0)
    return Streams(ids, batch=batch, window=window, chapter=4096, start=START, line_end=line_end, random=random)


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


def test_all_streams_begin_fresh_in_chapters_of_their_own() -> None:
    read = streams_of(np.arange(10, 10_010), 4, 5, line_end=None).read()
    assert read.restart.all()
    chapters = (read.targets[0] - 10) // 625
    assert len(set(chapters.tolist())) == 4


@given(st.integers(1, 5), st.integers(1, 20), st.integers(100, 3000), st.integers(2, 12))
def test_every_token_is_read(batch: int, window: int, length: int, line: int) -> None:
    ids = np.arange(10, 10 + length)
    ids[::line] = LINE_END
    streams = streams_of(ids, batch, window)
    seen: set[int] = set()
    windows = 2 * length // (batch * window) + 4 * length // (streams._chapter * batch) + 20
    for _ in range(windows):  # enough for two readings, the first chapters' missing parts and the overlaps
        seen.update(streams.read().targets.ravel().tolist())
    assert seen == set(ids.tolist())


def test_a_token_is_read_once_before_it_is_read_again() -> None:
    ids = np.arange(10, 100_010)
    streams = streams_of(ids, 4, 20, line_end=None)
    read = np.concatenate([streams.read().targets.ravel() for _ in range(len(ids) // 80)])
    assert len(np.unique(read)) > 0.97 * len(ids)


def test_a_chapter_begins_at_a_line_and_is_read_to_its_end() -> None:
    ids = np.arange(10, 20_010)
    ids[49::50] = LINE_END
    streams = streams_of(ids, 3, 10)
    beginnings = {10, *(int(token) for token in ids[50::50]), 20_000}  # at the last one, a rest of the text begins
    restarts = []
    for _ in range(2000):
        read = streams.read()
        restarts.append(read.restart)
        assert set(read.targets[0, read.restart].tolist()) <= beginnings
    lengths = np.diff(np.flatnonzero(np.array(restarts)[:, 0]))[1:] * 10
    assert len(lengths) > 5
    assert np.abs(lengths - streams._chapter).max() <= 60  # a line, and a window


def test_each_reading_has_an_order_of_its_own_and_seeds_have_theirs() -> None:
    def firsts(seed: int) -> list[int]:
        streams = Streams(
            np.arange(10, 4010),
            batch=1,
            window=10,
            chapter=4096,
            start=START,
            line_end=None,
            random=np.random.default_rng(seed),
        )
        reads = [streams.read() for _ in range(2 * 404)]
        return [int(read.targets[0, 0]) for read in reads if read.restart[0]]

    one = firsts(0)
    assert one == firsts(0)
    assert one != firsts(1)
    assert sorted(one[1:4]) != one[1:4] or one[:4] != one[4:8]
    assert set(one[:4]) == set(one[4:8]) == {10, 1010, 2010, 3010}


def test_a_line_longer_than_chapters_is_read_too() -> None:
    ids = np.arange(10, 1010)
    ids[[9, 989]] = LINE_END
    streams = streams_of(ids, 2, 8)
    seen = {int(token) for _ in range(400) for token in streams.read().targets.ravel()}
    assert seen == set(ids.tolist())


def test_streams_of_a_short_text_stay_apart() -> None:
    streams = streams_of(np.arange(10, 2010), 16, 64, line_end=None)
    reads = [streams.read() for _ in range(200)]
    assert np.mean([len(set(read.targets[0].tolist())) for read in reads[50:]]) > 14.5


def test_small_numbers_become_what_an_engine_can_index_with() -> None:
    read = streams_of(np.arange(3, 203, dtype=np.uint8), 2, 5).read()
    assert read.inputs.dtype == read.targets.dtype == np.int64


def test_a_chapter_that_begins_inside_a_document_has_no_start_before_it() -> None:
    start, ids = 1, np.arange(2, 20_002) % 97 + 2
    ids[[5_000, 9_000]] = start
    streams = Streams(
        ids,
        batch=4,
        window=50,
        chapter=500,
        start=start,
        line_end=start,
        random=np.random.default_rng(0),
        documents=True,
    )
    starts = 0
    for _ in range(300):
        window = streams.read()
        for stream in np.flatnonzero((window.inputs == start).any(axis=0)):
            starts += 1
            place = int(np.flatnonzero(window.inputs[:, stream] == start)[0])
            assert window.targets[place, stream] in (ids[0], ids[5_001], ids[9_001])
    assert starts > 3
