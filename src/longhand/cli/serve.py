"""`longhand serve`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import note, note_runtime
from longhand.config import RunConfig, ServingConfig
from longhand.errors import MissingExtraError, OptionError
from longhand.files import is_exposed
from longhand.settings import configured
from longhand.text.utf8 import without_surrogates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from longhand.model import Model
    from longhand.serving.runs import RunFolder

RUN = ".run"


@click.command()
@click.argument("names", metavar="MODEL...", nargs=-1, required=True)
@click.option("--key-file", metavar="FILE", help="keys, one a line: one of them is demanded of everybody")
@click.option("--state-key-file", metavar="FILE", help="what signs texts' states, the same for servers that share them")
@settings_options(ServingConfig)
@settings_options(RunConfig)
def serve(names: tuple[str, ...], key_file: str | None, state_key_file: str | None, **settings: Any) -> None:
    """Serve models to programs, and a page to write with them.

    MODEL is a file made by longhand train or import, or the folder NAME.run of a training, which the page then shows as
    it goes on. Programs speak to it as to OpenAI's completions, at /v1; the page is at /, what can be asked at /docs.
    """
    try:
        from longhand.serving.server import read_keys, read_state_key
        from longhand.serving.server import serve as run_server
    except ImportError as error:
        raise MissingExtraError(f"serve: {error.name} is missing: pip install 'longhand[serve]'") from None
    from longhand.serving.runs import RunFolder

    run = {name: settings.pop(name) for name in RunConfig.__struct_fields__}
    config = configured(ServingConfig, given(settings))
    keys = [] if key_file is None else read_keys(Path(key_file))
    state_key = None if state_key_file is None else read_state_key(Path(state_key_file))
    exposed = [path for path in (key_file, state_key_file) if path is not None and is_exposed(Path(path))]
    models: dict[str, Model] = {}
    runs: dict[str, RunFolder] = {}
    for path in names:
        if path.rstrip("/\\").endswith(RUN):
            _add(runs, without_surrogates(Path(path).name.removesuffix(RUN)), RunFolder(path))
        else:
            _add(models, *_loaded(path, given(run)))
    run_server(
        models,
        runs,
        config,
        keys=keys,
        state_key=state_key,
        ready=lambda address: _say(address, models, runs, exposed),
        ending=lambda: note(f"ending: texts have {config.grace:g} s to come to their end; Ctrl-C again ends all"),
    )


def _loaded(path: str, run: dict[str, Any]) -> tuple[str, Model]:
    """Return what a model is called, and the model."""
    from longhand.model import load
    from longhand.modelfile import SUFFIX

    model = load(path, **run)
    note_runtime(model.runtime)
    name = without_surrogates(model.name.removesuffix(SUFFIX))
    if not name.strip("."):
        raise OptionError(f"{path}: a file without a name of its own, by which requests could name it: rename it")
    return name, model


def _add(known: dict[str, Any], name: str, what: object) -> None:
    if name in known:
        raise OptionError(f"two are called {name}: rename a file, requests name models by their files")
    known[name] = what


def _say(address: str, models: Mapping[str, Model], runs: Mapping[str, RunFolder], exposed: list[str]) -> None:
    names = [*models, *(f"the training {name}" for name in runs)]
    note(f"serving {', '.join(names)}, with a page to write on and /docs for programs, at {address} (Ctrl-C ends it)")
    for path in exposed:
        note(f"{path}: other users of this machine can read these keys: chmod 600 {shlex.quote(path)}")
