"""Logs of trainings that never were, as `longhand train` writes them into NAME.run/log.jsonl."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]

SAMPLE = "ROMEO:\nWell, in the gods for your crown.\n\nAUTOLYCUS:\nThen, that we are here?\n"
BITS = 2.16975


def started(**fields: Any) -> Record:
    """Return the first record of a training."""
    return {
        "event": "started",
        "time": "2026-11-24T21:00:00+00:00",
        "longhand_version": "0.1.0",
        "plan": ["verse.txt: 1,115,394 characters, 65 different, 111,539 held out", "2 x 256 LSTM, 945,347 weights"],
        "notes": ["verse.txt: a byte order mark was dropped"],
        "settings": {"hidden": 256, "learning_rate": 0.006, "epochs": None},
        "choices": [{"name": "hidden", "value": 256, "why": "what two minutes can teach"}],
        **fields,
    }


def standing(step: int, seconds: float, **fields: Any) -> Record:
    """Return what records of a step have in common; the loss falls from 6 bits towards 2."""
    return {
        "step": step,
        "seconds": seconds,
        "characters_per_second": 18_000,
        "training_bits_per_character": round(2 + 4 * math.exp(-seconds / 9) + 0.4 * math.exp(-seconds / 60), 4),
        "learning_rate": 0.006,
        **fields,
    }


def step(number: int, seconds: float, **fields: Any) -> Record:
    """Return the record of a step."""
    return {"event": "step", "progress": min(1.0, seconds / 120), **standing(number, seconds), **fields}


def evaluated(number: int, seconds: float, bits: float | None, sample: str = SAMPLE, **fields: Any) -> Record:
    """Return the record of an evaluation."""
    found = {"validation_bits_per_character": bits, "best": True, "sample": sample}
    return {"event": "evaluated", **standing(number, seconds), **found, **fields}


def epoch(number: int, loss: float, bits: float | None = None, sample: str = "", **fields: Any) -> Record:
    """Return the record of an epoch of the classic recipe."""
    found = {"loss": loss, "validation_bits_per_character": bits, "improved": True, "sample": sample}
    return {
        "event": "epoch",
        "epoch": number,
        "whole": True,
        **standing(number * 100, number * 30.0),
        **found,
        **fields,
    }


def finished(bits: float | None = BITS, **fields: Any) -> Record:
    """Return the last record of a training."""
    card = {
        "longhand_version": "0.1.0",
        "created": "2026-11-24T21:02:00+00:00",
        "corpus": ["verse.txt"],
        "corpus_characters": 1_115_394,
        "held_out_characters": 111_539,
        "validation_characters": 111_539,
        "validation_bits_per_character": bits,
        "training_bits_per_character": 1.9537,
        "trained_seconds": 119.94,
        "trained_epochs": 1.882,
        "kept_epochs": 1.882,
        "stopped_by": "time",
        **fields,
    }
    return {"event": "finished", "output": "verse.safetensors", "card": card}


def whole_training() -> list[Record]:
    """Return a training of two minutes, from its start to its end."""
    steps = [step(12 * number, 0.8 * number) for number in range(1, 150)]
    scores = [evaluated(174, 16.7, 2.7344), evaluated(682, 48.3, 2.4313), evaluated(1403, 91.5, 2.2187)]
    records = sorted([*steps, *scores], key=lambda record: record["seconds"])
    return [started(), *records, evaluated(1842, 119.7, round(BITS, 4)), finished()]


def write_log(folder: Path, records: Iterable[Record | str]) -> Path:
    """Write a run's folder with a log of records, or of lines as they are; return the folder."""
    folder.mkdir(exist_ok=True)
    lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    (folder / "log.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="surrogatepass")
    return folder
