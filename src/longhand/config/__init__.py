"""The settings: each field's type, range, default and description, stated once.

The command line takes its options' defaults and help from here, the Python API its keywords, and the model file
its `config` record. Values that come from outside go through `longhand.settings`, which checks them.
"""

from __future__ import annotations

from longhand.config.escaped import ESCAPED
from longhand.config.inspecting import InspectConfig, ValuesConfig
from longhand.config.running import BenchConfig, DemoConfig, RunConfig
from longhand.config.scoring import AdaptConfig, ScoringConfig
from longhand.config.serving import COMPLETION_TOKENS, ServingConfig
from longhand.config.training import (
    CHANGEABLE,
    CLASSIC,
    DETECT,
    FEWEST_SUBWORDS,
    OF_DEFAULT,
    OF_FILES,
    OPTION_NAMES,
    PLANNED,
    READING,
    SEPARATORS,
    SUBWORDS,
    TOKENS,
    NetworkConfig,
    TrainConfig,
)
from longhand.config.writing import (
    LENGTH,
    LONGEST_DOCUMENT,
    TEMPERATURE,
    TEMPERATURE_OF_DOCUMENTS,
    ManyConfig,
    SamplingConfig,
)

__all__ = [
    "CHANGEABLE",
    "CLASSIC",
    "COMPLETION_TOKENS",
    "DETECT",
    "ESCAPED",
    "FEWEST_SUBWORDS",
    "LENGTH",
    "LONGEST_DOCUMENT",
    "OF_DEFAULT",
    "OF_FILES",
    "OPTION_NAMES",
    "PLANNED",
    "READING",
    "SEPARATORS",
    "SUBWORDS",
    "TEMPERATURE",
    "TEMPERATURE_OF_DOCUMENTS",
    "TOKENS",
    "AdaptConfig",
    "BenchConfig",
    "DemoConfig",
    "InspectConfig",
    "ManyConfig",
    "NetworkConfig",
    "RunConfig",
    "SamplingConfig",
    "ScoringConfig",
    "ServingConfig",
    "TrainConfig",
    "ValuesConfig",
]
