"""How fast a text becomes token numbers, in megabytes of UTF-8 a second; medians of five.

`python bench/encoding.py [FILE...]`; without files, 20 MB of English letters and 20 MB of Chinese characters.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from longhand.text.characters import CharacterTokenizer
from longhand.text.preparing import encode_corpus


def megabytes_per_second(size: int, work: Callable[[], object]) -> float:
    """Return the median speed of five runs of `work` over `size` bytes."""
    speeds = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        speeds.append(size / 1e6 / (time.perf_counter() - began))
    return statistics.median(speeds)


def made_up(alphabet: str, size: int) -> str:
    """Return about `size` bytes of text over an alphabet, few of its characters often and many seldom."""
    letters = np.array(list(alphabet))
    ranks = np.random.default_rng(0).pareto(0.5, size // len(alphabet[0].encode())) % len(letters)
    return "".join(letters[ranks.astype(int)])


def main() -> None:
    """Print a line for each text."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(name) for name in sys.argv[1:]]
        if not paths:
            texts = {"english": made_up("etaoinshrdlu\n", 20_000_000)}
            texts["chinese"] = made_up("".join(map(chr, range(0x4E00, 0x4E00 + 7805))), 20_000_000)
            for name, text in texts.items():
                path = Path(folder, name)
                path.write_text(text, encoding="utf-8")
                paths.append(path)
        for path in paths:
            report(path)


def report(path: Path) -> None:
    """Measure encoding a string, and reading and encoding a file."""
    text, size = path.read_text(encoding="utf-8"), path.stat().st_size
    tokenizer = CharacterTokenizer("".join(sorted(set(text))))
    encoding = megabytes_per_second(size, lambda: tokenizer.encode(text))
    reading = megabytes_per_second(size, lambda: encode_corpus([path]))
    print(f"{path.name:20} encode {encoding:6.0f} MB/s, read, count and encode a file {reading:6.0f} MB/s")


if __name__ == "__main__":
    main()
