"""Whether the server holds: figures of one run, each beside its bound; exit code 1 where one is missed.

    python bench/serving MODEL [--only streams]

It starts the server itself, anew for each part. The clients share the machine with it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests"))  # the server in a process of its own, the hostile requests

from bad_clients import leaving, slow
from figures import Figures
from greedy import greedy
from rubbish import rubbish
from streams import alone, steady, streams

PARTS = {part.__name__: part for part in (streams, alone, steady, slow, greedy, leaving, rubbish)}


def main() -> None:
    """Measure, print, and end with 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a model file")
    parser.add_argument("--only", action="append", choices=list(PARTS), help="a part; may be given several times")
    arguments = parser.parse_args()
    figures = Figures()
    print(f"{os.cpu_count()} processors, of which others keep {os.getloadavg()[0]:.1f} busy (mean of the last minute)")
    for name, part in PARTS.items():
        if name in (arguments.only or PARTS):
            part(arguments.model, figures)
    print("".join(f"\nmissed: {line}" for line in figures.missed) or "\nAll bounds hold.")
    sys.exit(bool(figures.missed))


if __name__ == "__main__":
    main()
