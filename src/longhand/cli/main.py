"""The command `longhand`: what it knows, and how it ends.

Exit codes: 0 done; 2 a mistake that one line on stderr explains; 130, 143 and 129 ended by Ctrl-C, SIGTERM or SIGHUP.
"""

from __future__ import annotations

import sys

import click

from longhand.cli.bench import bench
from longhand.cli.cache import cache
from longhand.cli.check import check
from longhand.cli.demo import demo
from longhand.cli.generate import generate
from longhand.cli.import_ import import_
from longhand.cli.info import info
from longhand.cli.inspect import inspect
from longhand.cli.novelty import novelty
from longhand.cli.output import complain, note, use_utf8
from longhand.cli.report import report
from longhand.cli.score import score
from longhand.cli.serve import serve
from longhand.cli.train import train
from longhand.cli.tune import tune
from longhand.errors import LonghandError
from longhand.version import VERSION


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, message="longhand %(version)s")
@click.pass_context
def longhand(context: click.Context) -> None:
    """Train an LSTM on your own text, on the computer you have, and let it write."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (
    train,
    generate,
    tune,
    novelty,
    score,
    inspect,
    serve,
    check,
    info,
    report,
    cache,
    import_,
    bench,
    demo,
):
    longhand.add_command(command)


def main() -> None:
    """Run the command line and exit."""
    use_utf8()
    try:
        sys.exit(longhand.main(prog_name="longhand", standalone_mode=False) or 0)
    except LonghandError as error:
        complain(str(error))
    except click.ClickException as error:
        command = context.command_path if (context := getattr(error, "ctx", None)) else "longhand"
        complain(f"{error.format_message().rstrip('.')}. See {command} --help.")
    except click.Abort:  # Ctrl-C
        note("ended by Ctrl-C")
        sys.exit(130)
    except OSError as error:
        complain(f"cannot read or write ({error})")
    except MemoryError:
        complain("out of memory: the text or the network is too large for this machine")
    sys.exit(2)
