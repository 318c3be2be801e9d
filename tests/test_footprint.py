"""Memory: what a training takes is estimated before anything large is made, and what does not fit is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import VERSE

from longhand.api import train
from longhand.config import NetworkConfig, TrainConfig
from longhand.errors import OptionError
from longhand.modelfile import expected_shapes
from longhand.training import footprint, initial, trainer
from longhand.training.footprint import free_bytes, refuse_too_large, training_bytes

GIB = 2**30


def test_what_never_fits_is_refused_before_the_text_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(footprint, "free_bytes", lambda: 10 * GIB)
    monkeypatch.setattr(trainer, "read_corpus", None)  # what is called would be an error
    with pytest.raises(OptionError, match="training 4 x 8192 units takes about 144 GiB of memory, but only 10 GiB"):
        train(io.StringIO(VERSE * 40), tmp_path / "m", hidden=8192, layers=4)
    assert list(tmp_path.iterdir()) == []


def test_the_size_that_is_offered_fits_and_the_next_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "free_bytes", lambda: GIB)
    with pytest.raises(OptionError, match="--hidden 864 would fit"):
        refuse_too_large(TrainConfig(hidden=4096), vocabulary=1000)
    refuse_too_large(TrainConfig(hidden=864), vocabulary=1000)
    with pytest.raises(OptionError):
        refuse_too_large(TrainConfig(hidden=880), vocabulary=1000)


def test_where_no_size_fits_other_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "free_bytes", lambda: 1_000_000)
    with pytest.raises(OptionError, match="reduce --layers, --batch or --window"):
        refuse_too_large(TrainConfig(batch=65_536, window=65_536), vocabulary=100)


def test_a_large_vocabulary_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "free_bytes", lambda: 10 * GIB)
    refuse_too_large(TrainConfig(), vocabulary=100)
    with pytest.raises(OptionError):
        refuse_too_large(TrainConfig(), vocabulary=8_000_000)


def test_more_is_taken_for_more_of_anything() -> None:
    usual = NetworkConfig(vocabulary_size=100, hidden=256, layers=2)
    larger = [
        NetworkConfig(vocabulary_size=v, hidden=h, layers=n)
        for v, h, n in ((9999, 256, 2), (100, 512, 2), (100, 256, 3))
    ]
    assert all(training_bytes(network, 16, 64) > training_bytes(usual, 16, 64) for network in larger)
    assert training_bytes(usual, 64, 64) > training_bytes(usual, 16, 256) - 1 > training_bytes(usual, 16, 64)
    weights = sum(int(np.prod(shape)) for shape in expected_shapes(usual).values())
    assert training_bytes(usual, 16, 64) > 5 * 4 * weights


def test_the_tightest_of_the_limits_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(footprint, "_address_bytes", lambda: None)
    monkeypatch.setattr(footprint, "MEMORY_INFO", tmp_path / "meminfo")
    monkeypatch.setattr(footprint, "CGROUP", tmp_path)
    assert free_bytes() is None
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   3000000 kB\n", encoding="ascii")
    assert free_bytes() == 3_072_000_000
    for name, text in {"max": "max\n", "current": "700\n", "stat": "anon 5\ninactive_file 200\n"}.items():
        (tmp_path / f"memory.{name}").write_text(text, encoding="ascii")
    assert free_bytes() == 3_072_000_000
    (tmp_path / "memory.max").write_text("1000\n", encoding="ascii")
    assert free_bytes() == 500
    monkeypatch.setattr(footprint, "_address_bytes", lambda: -5)
    assert free_bytes() == 0


@pytest.mark.parametrize("shape", [(40, 40), (41, 37), (80, 20)])
def test_orthogonal_columns_do_not_depend_on_being_made_in_panels(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    """One panel draws the same numbers as several, and both are the same rotation."""
    whole = initial._orthogonal(shape, np.random.default_rng(3))
    monkeypatch.setattr(initial, "PANEL", 16)
    panels = initial._orthogonal(shape, np.random.default_rng(3))
    assert np.allclose(panels.T @ panels, np.eye(shape[1]), atol=1e-12)
    assert np.allclose(panels, whole, atol=1e-10)
