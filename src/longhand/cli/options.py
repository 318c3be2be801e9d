"""Options of the command line, made from the settings' fields: name, type, default and help are stated only there."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import click
from msgspec import NODEFAULT, Struct, structs

from longhand.config import CLASSIC, OF_DEFAULT, PLANNED, TrainConfig
from longhand.errors import OptionError
from longhand.settings import description, is_escaped
from longhand.text.escapes import unescaped

NOTHING: Mapping[str, str] = types.MappingProxyType({})
Command = TypeVar("Command", bound=Callable[..., Any])


def settings_options(
    settings: type[Struct],
    *,
    only: Collection[str] | None = None,
    names: Mapping[str, str] = NOTHING,
    defaults: Mapping[str, str] = NOTHING,
) -> Callable[[Command], Command]:
    """Give a command one option for each field of `settings`, in their order; None stands for "left out".

    - only: the fields that it has options for; all, if left out
    - names: of options that are not called `--field`, as in `{"learning_rate": "lr"}`
    - defaults: what is shown as the default of fields of which the command has another one
    """

    def decorate(command: Command) -> Command:
        for field in reversed(structs.fields(settings)):
            if only is None or field.name in only:
                name = names.get(field.name, field.name.replace("_", "-"))
                default = defaults.get(field.name) or _defaults(settings, field)
                command = _option(settings, field, f"--{name}", default)(command)
        return command

    return decorate


@cache
def _hints(settings: type[Struct]) -> dict[str, Any]:
    """Return the types of all fields."""
    return get_type_hints(settings)


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given: those that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def _option(settings: type[Struct], field: structs.FieldInfo, name: str, default: str) -> Callable[[Command], Command]:
    kind = _kind(_hints(settings)[field.name])
    if kind is bool:
        return click.option(name, field.name, is_flag=True, default=None, help=description(settings, field.name))
    shown, help_ = f" [default: {default}]" if default else "", description(settings, field.name)
    if is_escaped(settings, field.name):
        help_ += r"; \n is a line end, \t a tab"
    if get_origin(kind) in (tuple, dict):
        read = _texts if get_origin(kind) is tuple else _numbers
        read = partial(read, escaped=is_escaped(settings, field.name))
        return click.option(name, field.name, multiple=True, default=(), callback=read, help=help_)
    choices = click.Choice(get_args(kind)) if get_origin(kind) is Literal else kind
    read_one = _unescaped if is_escaped(settings, field.name) else None
    return click.option(name, field.name, type=choices, default=None, callback=read_one, help=help_ + shown)


def _unescaped(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Return a text with its escapes replaced, if it was given."""
    return None if value is None else unescaped(value)


def _texts(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...], *, escaped: bool
) -> tuple[str, ...] | None:
    """Return texts that were given, None where there are none."""
    return (tuple(map(unescaped, values)) if escaped else values) or None


def _numbers(
    _context: click.Context, option: click.Parameter, values: tuple[str, ...], *, escaped: bool
) -> dict[str, float] | None:
    """Return numbers by name, of "NAME=NUMBER"."""
    result = {}
    for value in values:
        name, _, number = value.rpartition("=")
        try:
            name = unescaped(name) if escaped else name
            result[name] = float(number)
        except ValueError:
            name = ""
        if not name:
            raise OptionError(f"{option.opts[0]}: found {value!r}, expected TOKEN=NUMBER, such as e=-2")
    return result or None


def _defaults(settings: type[Struct], field: structs.FieldInfo) -> str:
    """Return a field's default as the help shows it, and the classic recipe's beside it where that is another."""
    default = "" if field.default in (NODEFAULT, None, ()) else str(field.default)
    if settings is not TrainConfig:
        return default
    other = CLASSIC.get(field.name)
    if field.name in PLANNED:
        return "planned" if field.name in OF_DEFAULT else f"planned; classic: {default if other is None else other}"
    if other is None:
        return default
    return f"{default}; classic: {other}" if default else f"none; classic: {other}"


def _kind(hint: Any) -> Any:
    """Return the type of a field, without the None that stands for "left out"."""
    if get_origin(hint) not in (None, Literal, tuple, dict):
        return next(part for part in get_args(hint) if part is not types.NoneType)
    return hint
