"""What it takes to look into a model: the trace of a text, its page, and how well the best units follow something.

    longhand demo --minutes 2 -o demo
    cd "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
    cat tempfile.py textwrap.py threading.py | head -c 20000 > /tmp/code.py
    python bench/inspecting.py demo /tmp/code.py

The demo learns from the library's files up to doctest.py: these come after it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from longhand.gates.trace import trace
from longhand.model import load

ROUNDS = 3


def main() -> None:
    """Print the figures of a model and a text."""
    name, path = sys.argv[1:]
    model, text = load(name), Path(path).read_text(encoding="utf-8")
    seconds = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        trace(model.file, model.tokenizer, text)
        seconds.append(time.monotonic() - began)
    shape = f"{model.config.layers} x {model.config.hidden}"
    print(f"{shape}, {len(text):,} characters: traced in {sorted(seconds)[ROUNDS // 2]:.1f} s")
    began = time.monotonic()
    found = model.inspect(text)
    with tempfile.TemporaryDirectory() as folder:
        page = found.write_page(Path(folder) / "gates.html")
        print(f"all of it in {time.monotonic() - began:.1f} s, a page of {page.stat().st_size / 1e6:.1f} MB")
    for probe in found.probes:
        if not probe.missing:
            best = probe.best[0]
            print(f"  {probe.name:24} unit {best.layer}:{best.unit} {best.auc:.3f}, direction {probe.direction:.3f}")


if __name__ == "__main__":
    main()
