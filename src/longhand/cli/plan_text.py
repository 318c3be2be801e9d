"""A plan for people: lines on the screen, and a TOML file that `longhand train --settings` reads."""

from __future__ import annotations

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
    """Return a plan as a TOML file.

    - facts: what is planned for, a line each
    """
    length = ("minutes", plan.config.minutes) if plan.config.epochs is None else ("epochs", plan.config.epochs)
    settings = [(*length, ""), *((choice.name, choice.value, choice.why) for choice in plan.choices)]
    left = [f"{name} = {value!r}" for name, value, _ in settings]
    wide = max(map(len, left))
    lines = [*facts, *([] if plan.expected is None else [plan.expected])]
    return "\n".join(
        [
            *(f"# {line}" for line in lines),
            *(f"{text:{wide}}  # {why}" if why else text for text, (_, _, why) in zip(left, settings, strict=True)),
        ]
    )
