"""How much memory a training takes, estimated before anything large is made."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

from longhand.config import NetworkConfig, TrainConfig
from longhand.errors import OptionError
from longhand.modelfile import expected_shapes

NUMBER = 4  # bytes
COPIES = 20  # of the weights, at the peak: initial, learning, gradient, two moments, best, and checkpoints being made
A_UNIT, A_TOKEN = 14.0, 2.2  # numbers that a step keeps for each position: per unit and layer, and per vocabulary entry
SCORED_AT_ONCE = 64 * 32  # positions
STEP = 16  # units between the sizes that are tried
MEMORY_INFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def training_bytes(network: NetworkConfig, batch: int, window: int) -> int:
    """Return how many bytes training a network takes at its peak, about, the text and the program aside."""
    weights = sum(math.prod(shape) for shape in expected_shapes(network).values())
    positions = max(batch * window, SCORED_AT_ONCE)
    step = positions * (A_UNIT * network.hidden * network.layers + A_TOKEN * network.vocabulary_size)
    orthogonal = 6 * network.hidden**2  # three matrices of 64-bit numbers, while the first weights are made
    return round(NUMBER * (COPIES * weights + max(step, orthogonal)))


def refuse_too_large(config: TrainConfig, vocabulary: int | None = None) -> None:
    """Raise `OptionError` for a network that this machine has not the memory to train, and say which one would fit.

    - vocabulary: number of different tokens; None before the text is read, when only the layers' weights count
    """

    def needed(hidden: int) -> int:
        network = NetworkConfig(
            vocabulary_size=vocabulary or 1, embedding=config.embedding or 1, hidden=hidden, layers=config.layers
        )
        return training_bytes(network, *((1, 1) if vocabulary is None else (config.batch, config.window)))

    free = free_bytes()
    if free is None or needed(config.hidden) <= free:
        return
    fits = [hidden for hidden in range(STEP, config.hidden, STEP) if needed(hidden) <= free]
    advice = f"--hidden {fits[-1]} would fit" if fits else "reduce --layers, --batch or --window"
    raise OptionError(
        f"training {config.layers} x {config.hidden} units takes about {_gigabytes(needed(config.hidden))} of memory, "
        f"but only {_gigabytes(free)} is free: {advice}"
    )


def free_bytes() -> int | None:
    """Return how many bytes of memory this process may still take; None where the system does not say."""
    limits = [limit for limit in (_system_bytes(), _cgroup_bytes(), _address_bytes()) if limit is not None]
    return max(min(limits), 0) if limits else None


def _system_bytes() -> int | None:
    """Return what Linux calls available memory."""
    with suppress(OSError, ValueError, IndexError):
        for line in MEMORY_INFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _cgroup_bytes() -> int | None:
    """Return what a container's limit leaves (cgroup v2); pages that can be dropped count as free."""
    with suppress(OSError, ValueError, KeyError):
        limit = int((CGROUP / "memory.max").read_text(encoding="ascii"))  # "max" where there is none
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        lines = (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
        droppable = int(dict(line.split() for line in lines)["inactive_file"])
        return limit - used + droppable
    return None


def _address_bytes() -> int | None:
    """Return what the limit on the process's address space leaves (ulimit -v)."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    with suppress(OSError, ValueError, IndexError):
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        return limit - used
    return limit


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.2g} GiB" if size < 10 * 2**30 else f"{size / 2**30:,.0f} GiB"
