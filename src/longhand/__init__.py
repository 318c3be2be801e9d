"""Longhand trains an LSTM on your own text, on the computer you have, and lets it write.

::

    import longhand

    model = longhand.train("book.txt", "book.safetensors", minutes=5)
    print(model.generate("Once upon a time", length=500))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from longhand.version import VERSION as __version__  # noqa: N811 (the name that the language gives it)

if TYPE_CHECKING:
    from longhand.api import check, import_keras, train
    from longhand.calibrate import tune
    from longhand.config import (
        AdaptConfig,
        InspectConfig,
        ManyConfig,
        NetworkConfig,
        RunConfig,
        SamplingConfig,
        ScoringConfig,
        TrainConfig,
    )
    from longhand.errors import (
        CorpusError,
        LonghandError,
        MissingExtraError,
        ModelFormatError,
        OptionError,
        OutputError,
        TrainingError,
    )
    from longhand.gates.inspection import Inspection
    from longhand.generation.likeliest import Next
    from longhand.generation.many import Written
    from longhand.generation.saved import WritingState, load_state
    from longhand.model import Model, load
    from longhand.modelfile import Card
    from longhand.scoring.score import Score

__all__ = [
    "AdaptConfig",
    "Card",
    "CorpusError",
    "InspectConfig",
    "Inspection",
    "LonghandError",
    "ManyConfig",
    "MissingExtraError",
    "Model",
    "ModelFormatError",
    "NetworkConfig",
    "Next",
    "OptionError",
    "OutputError",
    "RunConfig",
    "SamplingConfig",
    "Score",
    "ScoringConfig",
    "TrainConfig",
    "TrainingError",
    "WritingState",
    "Written",
    "__version__",
    "check",
    "import_keras",
    "load",
    "load_state",
    "train",
    "tune",
]


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for, so that `longhand --help` waits for nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'longhand' has no attribute {name!r}")
    from longhand import api, config, errors, model, modelfile
    from longhand.generation import likeliest, many, saved
    from longhand.scoring import score

    if name == "tune":
        from longhand.calibrate import tune

        return tune
    if name == "Inspection":
        from longhand.gates.inspection import Inspection

        return Inspection
    for module in (api, model, config, modelfile, errors, many, saved, likeliest, score):
        if hasattr(module, name):
            value: object = getattr(module, name)
            globals()[name] = value
            return value
    raise AssertionError(f"{name} is exported and nowhere defined")


def __dir__() -> list[str]:
    return __all__
