"""On which processors the threads of the kernel run."""

from __future__ import annotations

import os
import platform
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from conftest import needs_kernel
from networks import native, network, tokens_for

pytestmark = needs_kernel
several_processors = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or platform.libc_ver()[0] != "glibc" or len(os.sched_getaffinity(0)) < 2,
    reason="needs Linux with glibc and two processors",
)


@several_processors
def test_a_second_thread_starts_on_another_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    from longhand.runtime.native import session

    monkeypatch.setattr(session, "LEAST_TEXT", 0)
    config, weights = network(2, 256)
    allowed, seen = os.sched_getaffinity(0), set[frozenset[int]]()
    running = native(config, weights, 2, 2)
    work = threading.Thread(target=lambda: running.feed(tokens_for(config, 20_000, 2)))
    work.start()
    while work.is_alive():
        for task in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):
                seen.add(frozenset(os.sched_getaffinity(int(task.name))))
    work.join()
    assert {len(allowed) - 1, len(allowed)} == {len(processors) for processors in seen}
    assert os.sched_getaffinity(0) == allowed


@several_processors
def test_several_threads_share_a_processor_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from longhand.runtime.native import session

    for name in ("LEAST_STEP", "LEAST_CALL", "LEAST_TEXT"):
        monkeypatch.setattr(session, name, 0)
    config, weights = network(2, 72)
    tokens, allowed = tokens_for(config, 20, 3), os.sched_getaffinity(0)
    expected = native(config, weights, 3, 1).feed(tokens)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert np.array_equal(native(config, weights, 3, 2).feed(tokens), expected)
    finally:
        os.sched_setaffinity(0, allowed)
