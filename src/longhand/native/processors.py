"""How many processor cores there are to use."""

from __future__ import annotations

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")


def processors() -> int:
    """Return how many processor cores this process may use, as far as the system tells."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    siblings = Path("/sys/devices/system/cpu/")
    try:  # two threads of one core share what the kernel keeps busy
        cores = {(siblings / f"cpu{one}/topology/thread_siblings_list").read_text() for one in allowed}
    except OSError:
        cores = {str(one) for one in allowed}
    return max(1, min(len(cores), _quota()))


def _quota() -> int:
    """Return how many processors a container may keep busy; many, if it does not say."""
    try:
        quota, period = QUOTA.read_text(encoding="ascii").split()
        return int(quota) // int(period)
    except (OSError, ValueError):
        return len(os.sched_getaffinity(0))
