"""Which engine trains: the one in C on the processor, torch's on a GPU and where there is no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from longhand.config import NetworkConfig, TrainConfig
from longhand.errors import MissingExtraError
from longhand.modelfile import Weights
from longhand.training.engine import Engine, Update
from longhand.training.native import library
from longhand.training.native_engine import NativeEngine

GPU_DRIVER = Path("/proc/driver/nvidia/version")  # a GPU that torch may know how to use


def _gpu_here() -> bool:
    if not GPU_DRIVER.exists():  # to ask torch takes seconds
        return False
    try:
        from longhand.training.torch_engine import sees_gpu
    except ModuleNotFoundError:
        return False
    return sees_gpu()


class Task(Protocol):
    """What an engine is made for; a `longhand.training.recipe.Recipe` is one."""

    @property
    def network(self) -> NetworkConfig:
        """The network."""
        ...

    @property
    def weights(self) -> Weights:
        """Its weights to begin with."""
        ...

    @property
    def update(self) -> Update:
        """How they move."""
        ...

    @property
    def start(self) -> int | None:
        """The token before which a state is cleared, if there is one."""
        ...

    @property
    def native(self) -> bool:
        """Whether the engine in C may train it."""
        ...


def on_processor(config: TrainConfig) -> bool:
    """Whether the processor is to train, rather than a GPU."""
    return config.device == "cpu" or (config.device == "auto" and not _gpu_here())


def engine_for(task: Task, config: TrainConfig) -> Engine:
    """Return the engine for a task.

    Raises `MissingExtraError` where only torch's would do and there is no torch, `OptionError` for a device that is not
    here.
    """
    kernel, why_not = library.found()
    shared: dict[str, Any] = {
        "update": task.update,
        "dropout": config.dropout,
        "fixed_embedding": config.embedding == 0,
        "start": task.start,
        "threads": config.threads,
        "seed": config.seed,
    }
    if kernel is not None and on_processor(config) and task.native:
        return NativeEngine(kernel, task.network, task.weights, **shared)
    try:
        from longhand.training.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        needed = f"the engine in C is not here ({why_not})" if kernel is None else "this needs it"
        raise MissingExtraError(
            f"torch is not installed, and {needed}: pip install 'longhand[train]' (generating does not need it)"
        ) from None
    return TorchEngine(task.network, task.weights, device=config.device, **shared)
