"""Events as records for programs: the lines of a run's log.jsonl, and of `longhand train --json-lines`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import msgspec

from longhand.training.events import (
    Checkpointed,
    EpochEnded,
    Evaluated,
    Event,
    NotCheckpointed,
    Preparing,
    Resumed,
    RolledBack,
    Started,
    Stepped,
)
from longhand.training.plan import Plan
from longhand.version import VERSION

LOGGED = 1 / 400  # of the progress, between the steps that are logged


class Thinned:
    """Says which of the steps, of which there are thousands, are logged: a few hundred over a training."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, step: Stepped) -> bool:
        """Whether to log a step."""
        if step.progress < self._next:
            return False
        self._next = step.progress + LOGGED
        return True


def record(event: Event) -> dict[str, Any]:
    """Return an event as JSON has it: what it is under "event", bits per character, seconds, learning rates."""
    if isinstance(event, Preparing):
        return {"event": "preparing", "what": event.what, "share": event.share and round(event.share, 3)}
    if isinstance(event, Started):
        return _started(event)
    if isinstance(event, Resumed):
        return {"event": "resumed", "step": event.step, "problems": event.problems}
    if isinstance(event, Stepped):
        return {"event": "step", "progress": round(event.progress, 4), **_standing(event)}
    if isinstance(event, Evaluated):
        bits = round(event.validation_bits, 4)
        return {
            "event": "evaluated",
            **_standing(event.last),
            "validation_bits_per_character": bits,
            "best": event.best,
            "sample": event.sample,
        }
    if isinstance(event, EpochEnded):
        epoch = {"epoch": event.epoch, "whole": event.whole, "loss": round(event.training_nats, 4)}
        held_out = None if event.validation_bits is None else round(event.validation_bits, 4)
        kept = {"validation_bits_per_character": held_out, "improved": event.improved, "sample": event.sample}
        return {"event": "epoch", **epoch, **_standing(event.last), **kept}
    if isinstance(event, Checkpointed):
        return {"event": "checkpoint", "step": event.step, "file": event.file}
    if isinstance(event, NotCheckpointed):
        return {"event": "no checkpoint", "step": event.step, "problem": event.problem}
    if isinstance(event, RolledBack):
        back = {"to_step": event.to_step, "problem": event.problem, "learning_rate": event.learning_rate}
        return {"event": "rolled back", "step": event.step, **back}
    output = None if event.output is None else str(event.output)
    finished = {"event": "finished", "output": output, "card": msgspec.to_builtins(event.card)}
    return {**finished, "remarks": event.remarks} if event.remarks else finished


def plan_record(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON has it: all settings, what was chosen and why, and what is to be expected."""
    choices = [{"name": choice.name, "value": choice.value, "why": choice.why} for choice in plan.choices]
    speed = None if plan.speed is None else round(plan.speed)
    expected = {"characters_per_second": speed, "epochs": round(plan.epochs, 3)}
    settings = msgspec.to_builtins(plan.config)
    if plan.config.base is not None:
        settings["base"] = Path(plan.config.base).name  # where it lies is nobody else's business
    settings["validation"] = [Path(name).name for name in plan.config.validation]
    return {"settings": settings, "choices": choices, "expected": expected}


def _started(event: Started) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    facts = {"event": "started", "time": now, "longhand_version": VERSION, "plan": event.lines, "notes": event.notes}
    return facts if event.plan is None else {**facts, **plan_record(event.plan)}


def _standing(last: Stepped) -> dict[str, float]:
    return {
        "step": last.step,
        "seconds": round(last.seconds, 1),
        "characters_per_second": round(last.characters_per_second),
        "training_bits_per_character": round(last.training_bits, 4),
        "learning_rate": float(f"{last.learning_rate:.4g}"),
    }
