"""What the kernel draws is what NumPy draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import needs_kernel
from hypothesis import example, given, settings
from hypothesis import strategies as st
from networks import native, network

from longhand.config import NetworkConfig
from longhand.generation.sampler import draw, kept
from longhand.modelfile import expected_shapes
from longhand.runtime.reference import NumpySession
from longhand.runtime.session import Drawing

pytestmark = needs_kernel


def both_write(drawing: Drawing, steps: int = 400, vocabulary: int = 31) -> tuple[list[int], list[int]]:
    """Return what the kernel and NumPy write from the same chances."""
    config, weights = network(2, 20, vocabulary)
    weights["head.weight"] *= 3
    uniforms = np.random.default_rng(5).random((steps, 1))
    drawn = native(config, weights).write(np.array([3]), [drawing], uniforms, recent=[np.array([3])])[:, 0].tolist()
    session, written = NumpySession(config, weights), [3]
    for uniform in uniforms[:, 0]:
        written.append(draw(session.step(np.array(written[-1:]))[0], drawing, uniform, np.array(written)))
    return drawn, written[1:]


@pytest.mark.parametrize(
    "drawing",
    [
        Drawing(),
        Drawing(temperature=0.5),
        Drawing(temperature=0),
        Drawing(temperature=0, never=(0, 1, 2, 7)),
        Drawing(temperature=1e-300),
        Drawing(temperature=1e-29),
        Drawing(temperature=100, never=tuple(range(25))),
        Drawing(top_k=1),
        Drawing(top_k=5),
        Drawing(top_k=1000),
        Drawing(top_p=0.5),
        Drawing(top_p=1e-9),
        Drawing(min_p=0.1),
        Drawing(min_p=1),
        Drawing(temperature=2, top_k=10, top_p=0.8, min_p=0.05, never=(0, 1)),
        Drawing(typical=0.7),
        Drawing(typical=1e-9),
        Drawing(top_k=9, min_p=0.02, typical=0.5),
        Drawing(repetition=1.3, memory=64),
        Drawing(repetition=0.5, memory=3),
        Drawing(frequency=0.4, memory=1000),
        Drawing(presence=-1, memory=7, temperature=0),
        Drawing(repetition=1.2, frequency=0.1, presence=0.5, memory=20, bias=((3, 2.0), (7, -1.5)), never=(0,)),
        Drawing(bias=((5, 1000.0),)),
    ],
    ids=str,
)
def test_the_kernel_draws_what_numpy_draws(drawing: Drawing) -> None:
    drawn, written = both_write(drawing)
    assert drawn == written
    assert not set(drawn) & set(drawing.never)


def test_the_kernel_draws_what_numpy_draws_from_a_large_vocabulary() -> None:
    for drawing in (Drawing(top_p=0.9), Drawing(top_k=40), Drawing(top_k=4000, top_p=0.3, min_p=0.01)):
        drawn, written = both_write(drawing, 100, 9001)
        assert drawn == written


@given(
    st.lists(st.floats(-30, 30, width=32, allow_subnormal=False), min_size=1, max_size=40),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([0.0, 0.3, 1.0, 5.0]),
    st.integers(0, 12),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([1.0, 0.0, 0.2, 0.9]),
)
@example([0.0, 0.0, 5e-17], 0.5, 1.0, 0, 0.5, 0.0, 1.0)  # another logit, and yet the same probability when rounded
@settings(max_examples=300)
def test_any_logits_are_drawn_from_alike(
    logits: list[float], uniform: float, temperature: float, top_k: int, top_p: float, min_p: float, typical: float
) -> None:
    """The logits are the head's bias: all weights are zero. Within rounding of a border, either is right.

    Numbers below the normal ones are zeros to the kernel.
    """
    config = NetworkConfig(vocabulary_size=len(logits), embedding=1, hidden=1, layers=1)
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(config).items()}
    weights["head.bias"][:] = logits
    drawing = Drawing((), temperature, top_k, top_p, min_p, typical)
    drawn = int(native(config, weights).write(np.array([0]), [drawing], np.array([[uniform]]))[0, 0])
    shares = [1.0] if typical == 1 or temperature == 0 else [max(0, typical - 1e-6), typical, min(1, typical + 1e-6)]
    variants = [
        Drawing((), temperature, top_k, p, q, t)
        for p in (max(0, top_p - 1e-6), top_p, min(1, top_p + 1e-6))
        for q in (max(0, min_p * (1 - 1e-5)), min_p, min(1, min_p * (1 + 1e-5)))
        for t in shares
    ]
    if len(shares) == 1:
        chances = (max(0, uniform - 1e-6), uniform, min(1 - 2**-53, uniform + 1e-6))
        assert drawn in {draw(weights["head.bias"], variant, chance) for variant in variants for chance in chances}
    else:
        assert any(_may_be_typical(variant, weights["head.bias"], drawn) for variant in variants)


def _may_be_typical(drawing: Drawing, logits: np.ndarray, token: int) -> bool:
    """Whether a token's information is about as near to the mean as that of the tokens that are kept."""
    before = kept(logits.astype(np.float64), replace(drawing, typical=1.0))
    if before[token] == 0:
        return False
    some = np.flatnonzero(before)
    information = -np.log(before[some] / before.sum())
    far = np.abs(information - (before[some] * information).sum() / before.sum())
    left = kept(logits.astype(np.float64), drawing)[some] > 0
    return bool(far[some == token][0] <= far[left].max() + 1e-4)


def test_streams_are_each_written_as_their_own_settings_say() -> None:
    config, weights = network(2, 40)
    drawings = [Drawing(temperature=heat, top_k=k) for heat, k in ((0, 0), (0.5, 3), (1, 0), (2, 9))]
    uniforms = np.random.default_rng(5).random((50, 4))
    start = np.array([1, 2, 3, 4])
    together = native(config, weights, 6, 2).write(start, drawings, uniforms, [5, 0, 2, 1])
    for stream in range(4):
        one = slice(stream, stream + 1)
        alone = native(config, weights).write(start[one], drawings[one], uniforms[:, one])
        assert np.array_equal(alone[:, 0], together[:, stream])


def test_what_is_written_has_been_read() -> None:
    config, weights = network(2, 40)
    uniforms = np.random.default_rng(5).random((50, 1))
    session, reader = native(config, weights), native(config, weights)
    drawn = session.write(np.array([1]), [Drawing()], uniforms)
    reader.feed(np.concatenate([[[1]], drawn[:-1]]))
    assert np.array_equal(session.state.hidden, reader.state.hidden)
    assert np.array_equal(session.step(drawn[-1]), reader.step(drawn[-1]))
