"""A training that is stopped in the middle, and leaves its checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from longhand.api import train
from longhand.training import safety
from longhand.training.events import Checkpointed, Event


class EnoughError(Exception):
    """What stops it."""


def stopped_training(corpus: Any, output: Path, *, after: int, **settings: Any) -> None:
    """Train until a checkpoint comes after more than so many steps."""

    def stop(event: Event) -> None:
        if isinstance(event, Checkpointed) and event.step > after:
            raise EnoughError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(safety, "SAVING_SHARE", math.inf)  # a checkpoint after every step, however long that takes
        with pytest.raises(EnoughError):
            train(corpus, output, listener=stop, checkpoint_every=0, **settings)
