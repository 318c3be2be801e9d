"""A TOML file with the options of a training."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longhand.config import OPTION_NAMES, TrainConfig
from longhand.errors import OptionError

LARGEST = 1 << 20  # bytes


def read_settings(file: str) -> dict[str, Any]:
    """Return the settings in a TOML file, their names known, their values not yet checked.

    Raises `OptionError` if it cannot be read, is no TOML, or has other names than the fields of `TrainConfig`.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        with Path(file).open("rb") as opened:
            text = opened.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise OptionError(f"{file}: more than a megabyte, expected a small TOML file of settings")
        values = tomllib.loads(text.decode("utf-8-sig"))
    except OSError as error:
        raise OptionError(f"{file}: cannot be read ({error.strerror or error})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OptionError(f"{file}: no TOML ({error}); expected lines such as: hidden = 256") from None
    fields = {option: name for name, option in OPTION_NAMES.items()}
    named = [(fields.get(name, name).replace("-", "_"), value) for name, value in values.items()]
    if len(named) > len(values := dict(named)):
        raise OptionError(f"{file}: the same setting twice, under two names (lr is learning_rate, from is base)")
    known = TrainConfig.__struct_fields__
    if unknown := sorted(set(values) - set(known)):
        raise OptionError(f"{file}: found the setting {unknown[0]!r}, expected some of {', '.join(known)}")
    return values


def merged(of_file: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a file with those that were given in their place: minutes in that of epochs, too."""
    if "minutes" in of_file and "epochs" in of_file:
        raise OptionError("the file of settings has both minutes and epochs: leave one of them out")
    instead = {"minutes": "epochs", "epochs": "minutes"}
    left_out = {instead[name] for name in given if name in instead}
    return {name: value for name, value in {**of_file, **given}.items() if name not in left_out}
