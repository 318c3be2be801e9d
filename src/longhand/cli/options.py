"""Options of the command line, made from the settings' fields: their help is stated only there."""

from __future__ import annotations

from typing import Any

import typer
from msgspec import NODEFAULT, Struct, structs

from longhand.config import description


def option(settings: type[Struct], field: str, name: str | None = None) -> Any:
    """Return the option of a settings' field, called `--field` unless `name` says otherwise.

    The parameter it annotates defaults to None, for "left out"; the field's own default is shown in the help.
    """
    default = next(info.default for info in structs.fields(settings) if info.name == field)
    shown = "" if default is NODEFAULT or default is None or default is False else f" [default: {default}]"
    return typer.Option(name or f"--{field.replace('_', '-')}", help=description(settings, field) + shown)


def given(**values: Any) -> dict[str, Any]:
    """Return the options that were given: those that are not None."""
    return {name: value for name, value in values.items() if value is not None}
