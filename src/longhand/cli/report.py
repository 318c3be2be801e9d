"""`longhand report`."""

from __future__ import annotations

from pathlib import Path

import click

from longhand.cli.output import show
from longhand.errors import OptionError, OutputError


@click.command()
@click.argument("run", metavar="RUN")
@click.option("-o", "--output", metavar="FILE", help="where to write the page; RUN/report.html if left out")
@click.option("--overwrite", is_flag=True, help="replace an existing FILE")
def report(run: str, output: str | None, overwrite: bool) -> None:
    """Make a page of a training's log: scores and learning rate over time, samples, the plan.

    RUN is the folder NAME.run of a training, or the NAME.safetensors beside it, or NAME. The page is one file that
    loads nothing. While a training runs, or after it was stopped, the page shows how far it came.
    """
    from longhand.files import refuse_existing
    from longhand.report.history import LOG
    from longhand.report.page import REPORT, write_report

    folder = _folder(run)
    target = folder / REPORT if output is None else Path(output)
    overwrite = overwrite or target.resolve() == (folder / REPORT).resolve()
    refuse_existing(target, overwrite)
    if target.resolve() == (folder / LOG).resolve():
        raise OutputError(f"{target} is the log that the report is made of: choose another name")
    show(str(write_report(folder, None if output is None else target, overwrite=overwrite)))


def _folder(run: str) -> Path:
    """Return the folder of a training that `run` names.

    Raises `OptionError` if there is none.
    """
    from longhand.modelfile import SUFFIX
    from longhand.report.history import LOG

    expected = "expected the folder NAME.run that longhand train makes beside NAME.safetensors"
    path = Path(run)
    if (path / LOG).is_file():
        return path
    beside = path.with_name(path.name.removesuffix(SUFFIX) + ".run") if path.name else path
    if beside.is_dir() and path.name:
        return beside
    if path.is_dir():
        raise OptionError(f"{path}: a folder without {LOG}; {expected}")
    raise OptionError(f"{path}: {'no training' if path.exists() else 'not found'}, and no {beside}; {expected}")
