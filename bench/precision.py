"""What 8-bit weights cost: bits per character of the held-out tenth, with 32-bit floats and with integers.

`python bench/precision.py TEXT MODEL...`, for models that `longhand train TEXT` made. The whole tenth is read, with the
state carried, by the kernel.
"""

from __future__ import annotations

import sys

from scoring import held_out

from longhand.model import load


def main() -> None:
    """Print a line for each model."""
    text, *models = sys.argv[1:]
    for path in models:
        exact, rounded = (load(path, precision=precision) for precision in ("fp32", "int8"))
        names = [exact.runtime.name, rounded.runtime.name]
        assert names == ["native-fp32", "native-int8"], names
        passage = held_out(exact, text)
        one, other = (model.scorer().score([passage]).bits_per_character for model in (exact, rounded))
        config = exact.config
        print(
            f"{config.hidden} x {config.layers}, {len(passage):,} characters: fp32 {one:.5f} bits per character "
            f"(training said {exact.card.validation_bits_per_character:.5f}), int8 {other:.5f}, {other - one:+.5f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
