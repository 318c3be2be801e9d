"""Which engine trains: the one in C on the processor, torch's on a GPU and where there is no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longhand.config import TrainConfig
from longhand.errors import MissingExtraError
from longhand.training.engine import Engine
from longhand.training.native import library
from longhand.training.native_engine import NativeEngine
from longhand.training.recipe import Recipe

GPU_DRIVER = Path("/proc/driver/nvidia/version")  # a GPU that torch may know how to use


def _gpu_here() -> bool:
    if not GPU_DRIVER.exists():  # to ask torch takes seconds
        return False
    try:
        from longhand.training.torch_engine import sees_gpu
    except ModuleNotFoundError:
        return False
    return sees_gpu()


def engine_for(recipe: Recipe, config: TrainConfig) -> Engine:
    """Return the engine for a recipe.

    Raises `MissingExtraError` where only torch's would do and there is no torch, `OptionError` for a device that is not
    here.
    """
    kernel, why_not = library.found()
    on_processor = config.device == "cpu" or (config.device == "auto" and not _gpu_here())
    shared: dict[str, Any] = {
        "update": recipe.update,
        "dropout": config.dropout,
        "input_dropout": recipe.input_dropout,
        "fixed_embedding": config.embedding == 0,
        "threads": config.threads,
        "seed": config.seed,
    }
    if kernel is not None and on_processor and recipe.native:
        return NativeEngine(kernel, recipe.network, recipe.weights, **shared)
    try:
        from longhand.training.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        needed = f"the engine in C is not here ({why_not})" if kernel is None else "this needs it"
        raise MissingExtraError(
            f"torch is not installed, and {needed}: pip install 'longhand[train]' (generating does not need it)"
        ) from None
    return TorchEngine(recipe.network, recipe.weights, device=config.device, **shared)
