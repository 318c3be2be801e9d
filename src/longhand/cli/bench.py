"""`longhand bench`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import note, show
from longhand.config import BenchConfig
from longhand.settings import configured

if TYPE_CHECKING:
    from longhand.benchmark.measuring import Row

SHOWN = {"torch": "torch", "onnxruntime": "onnx", "numpy": "numpy", "native-fp32": "fp32", "native-int8": "int8"}
RATIOS = [
    ("native-fp32", "torch"),
    ("native-int8", "torch"),
    ("native-fp32", "onnxruntime"),
    ("native-int8", "onnxruntime"),
]
HEADER = [
    *("network", "tokens", "streams", *SHOWN.values()),
    *(f"{SHOWN[one]}/{SHOWN[other]}" for one, other in RATIOS),
    *("fp32 of limit", "the limit"),
]


@click.command()
@click.option(
    "--shape",
    multiple=True,
    metavar="UNITSxLAYERS",
    help="a network, as in 512x2; may be given again [default: 128x1, 256x2, 512x2, 1024x2]",
)
@click.option(
    "--vocabulary", multiple=True, type=int, help="its number of tokens; may be given again [default: 65 and 8000]"
)
@click.option(
    "--streams", multiple=True, type=int, help="texts written at once; may be given again [default: 1, 8, 64, 256]"
)
@settings_options(BenchConfig)
@click.option("--json", "as_json", is_flag=True, help="print a list of rows as JSON, for programs")
def bench(
    shape: tuple[str, ...], vocabulary: tuple[int, ...], streams: tuple[int, ...], as_json: bool, **settings: Any
) -> None:
    """Measure how fast this machine writes: Longhand's runtimes beside torch and ONNX Runtime, in one run.

    Characters a second of random networks, drawn at temperature 0.8. torch and ONNX Runtime take part where they are
    installed: pip install 'longhand[bench]'. All defaults together take a quarter of an hour.
    """
    import msgspec

    from longhand.benchmark.cases import SHAPES, STREAMS, VOCABULARIES, cases
    from longhand.benchmark.contestants import NEEDS, contestants, missing
    from longhand.benchmark.limits import machine
    from longhand.benchmark.measuring import measured
    from longhand.runtime.native.library import found

    config = configured(BenchConfig, given(settings))
    wanted = cases(shape or SHAPES, vocabulary or VOCABULARIES, streams or STREAMS)
    for other in NEEDS:
        if missing(other):
            note(f"without {other}: {' and '.join(missing(other))} not installed (pip install 'longhand[bench]')")
    if reason := found()[1]:
        note(f"without the kernel in C: {reason}")
    rows = []
    if not as_json:
        show(f"{machine()}. Characters a second, medians of {config.rounds}.\n\n{_line(HEADER)}\n{_rule()}")
    for done, some in enumerate(measured(wanted, list(contestants()), config), 1):
        rows += some
        if as_json:
            note(f"{done} of {len(wanted)} cases measured")
        else:
            show(_line(_cells(some)))
    if as_json:
        show(msgspec.json.format(msgspec.json.encode(rows)).decode())


def _cells(rows: Sequence[Row]) -> list[str]:
    """Return what the table shows of one case."""
    of = {row.runtime: row for row in rows}
    case = rows[0]
    cells = [f"{case.hidden}x{case.layers}", str(case.vocabulary), str(case.streams)]
    cells += [f"{of[name].characters_per_second:,.0f}" if name in of else "-" for name in SHOWN]
    for one, other in RATIOS:
        both = {one, other} <= set(of)
        cells.append(f"{of[one].characters_per_second / of[other].characters_per_second:.1f}" if both else "-")
    native = of.get("native-fp32")
    if native is None or native.limit_share is None:
        return [*cells, "-", "-"]
    limit = f"{native.read_gigabytes_per_second:.0f} GB/s, {native.threads} threads"
    if native.limit == "multiply":
        limit = f"{native.multiply_gigaflops_per_second:.0f} GFLOP/s"
    return [*cells, f"{native.limit_share:.2f}", limit]


def _line(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table whose columns stand below each other."""
    widths = [max(11, len(name)) for name in HEADER[:-1]] + [20]
    return "| " + " | ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _rule() -> str:
    return _line(["-------:"] * len(HEADER))
