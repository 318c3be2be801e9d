"""A plan for people: lines on the screen, and a TOML file that `longhand train --settings` reads."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from longhand.cli.output import visible
from longhand.config import OF_DEFAULT, PLANNED, TrainConfig
from longhand.settings import train_config
from longhand.training.plan import Plan


def choice_lines(plan: Plan) -> list[str]:
    """Return what was chosen, one setting a line with its reason; what was given is left out."""
    planned = [choice for choice in plan.choices if choice.planned]
    if not planned:
        return []
    names = [choice.name.replace("_", " ") for choice in planned]
    values = [f"{choice.value:g}" for choice in planned]
    wide, long = (max(map(len, words)) for words in (names, values))
    lines = [
        f"  {name:{wide}}  {value:>{long}}  {choice.why}"
        for name, value, choice in zip(names, values, planned, strict=True)
    ]
    return [*([] if plan.expected is None else [plan.expected]), *lines]


def as_toml(plan: Plan, facts: list[str]) -> str:
    """Return a plan as a TOML file, with all settings that are not what they are without being given.

    - facts: what is planned for, a line each
    """
    lines = [*facts, *([] if plan.expected is None else [plan.expected])]
    reasons = {choice.name: choice.why for choice in plan.choices}
    left = {name: f"{name} = {_toml(value)}" for name, value in _settings(plan.config).items()}
    wide = max(map(len, left.values()))
    return "\n".join(
        [
            *(f"# {visible(' '.join(line.split()))}" for line in lines),
            *(f"{text:{wide}}  # {reasons[name]}" if name in reasons else text for name, text in left.items()),
        ]
    )


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _settings(config: TrainConfig) -> dict[str, Any]:
    """Return the settings that a file needs for the same training."""
    values = msgspec.to_builtins(config)
    usual = {**msgspec.to_builtins(train_config({"recipe": config.recipe})), "recipe": "default"}
    length = "minutes" if config.epochs is None else "epochs"
    planned = [name for name in PLANNED if config.recipe == "default" or name not in OF_DEFAULT]
    kept = [name for name in values if name in planned or name == length or values[name] != usual[name]]
    return {name: values[name] for name in kept if name not in ({"minutes", "epochs"} - {length})}
