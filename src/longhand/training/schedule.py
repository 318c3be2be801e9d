"""The learning rate over a training."""

from __future__ import annotations

import math

WARM_UP = 0.02  # share of the training
LOWEST = 0.01  # share of the highest rate


def learning_rate(progress: float, highest: float, anneal: float = 1.0) -> float:
    """Linear warm-up, then half a cosine down (Loshchilov and Hutter, 2017), then the lowest rate.

    - progress: 0 at the beginning, 1 at the end
    - anneal: the progress at which the rate is the lowest
    """
    progress /= anneal
    if progress < WARM_UP:
        return highest * max(progress / WARM_UP, LOWEST)
    cosine = 0.5 * (1 + math.cos(math.pi * min((progress - WARM_UP) / (1 - WARM_UP), 1)))
    return highest * (LOWEST + (1 - LOWEST) * cosine)


def constant(progress: float, highest: float) -> float:  # noqa: ARG001 (the signature of a schedule)
    """Return the same rate from beginning to end."""
    return highest
