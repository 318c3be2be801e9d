"""The command `longhand`: what it knows, and how it ends.

Exit codes: 0 done; 2 a mistake that one line on stderr explains; 130 and 143 ended by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from longhand.cli import demo, generate, info, train
from longhand.cli.output import complain, use_utf8
from longhand.errors import LonghandError
from longhand.version import VERSION

app = typer.Typer(
    help="Train an LSTM on your own text, on the computer you have, and let it write.",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # formatted help takes rich, and 0.1 s to import it
    pretty_exceptions_enable=False,
)
app.command("train")(train.run)
app.command("generate")(generate.run)
app.command("info")(info.run)
app.command("demo")(demo.run)


@app.callback(invoke_without_command=True)
def _all_commands(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        typer.echo(f"longhand {VERSION}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line and exit."""
    use_utf8()
    try:
        sys.exit(app(prog_name="longhand", standalone_mode=False) or 0)
    except LonghandError as error:
        complain(str(error))
    except typer.TyperException as error:
        complain(f"{error.format_message()} See longhand --help.")
    except OSError as error:
        complain(f"cannot read or write ({error})")
    sys.exit(2)
