"""Events as records for programs: the lines of a run's log.jsonl, and of `longhand train --json-lines`."""

from __future__ import annotations

from typing import Any

import msgspec

from longhand.training.events import (
    Checkpointed,
    EpochEnded,
    Evaluated,
    Event,
    NotCheckpointed,
    Resumed,
    RolledBack,
    Started,
    Stepped,
)


def record(event: Event) -> dict[str, Any]:
    """Return an event as JSON has it: what it is under "event", bits per character, seconds, learning rates."""
    if isinstance(event, Started):
        return {"event": "started", "plan": event.plan, "notes": event.notes}
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
        }
    if isinstance(event, EpochEnded):
        epoch = {"epoch": event.epoch, "whole": event.whole, "loss": round(event.training_nats, 4)}
        held_out = None if event.validation_bits is None else round(event.validation_bits, 4)
        kept = {"validation_bits_per_character": held_out, "improved": event.improved}
        return {"event": "epoch", **epoch, **_standing(event.last), **kept}
    if isinstance(event, Checkpointed):
        return {"event": "checkpoint", "step": event.step, "file": event.file}
    if isinstance(event, NotCheckpointed):
        return {"event": "no checkpoint", "step": event.step, "problem": event.problem}
    if isinstance(event, RolledBack):
        back = {"to_step": event.to_step, "problem": event.problem, "learning_rate": event.learning_rate}
        return {"event": "rolled back", "step": event.step, **back}
    output = None if event.output is None else str(event.output)
    return {"event": "finished", "output": output, "card": msgspec.to_builtins(event.card)}


def _standing(last: Stepped) -> dict[str, float]:
    return {
        "step": last.step,
        "seconds": round(last.seconds, 1),
        "characters_per_second": round(last.characters_per_second),
        "training_bits_per_character": round(last.training_bits, 4),
    }
