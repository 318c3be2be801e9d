"""What 8-bit weights cost: bits per character of the held-out tenth, with 32-bit floats and with integers.

`python bench/precision.py TEXT MODEL...`, for models that `longhand train TEXT` made. The whole tenth is read in order,
with the state carried, by the kernel.
"""

from __future__ import annotations

import sys

import numpy as np

from longhand.model import Model, load
from longhand.text.preparing import encode_corpus

PIECE = 256  # tokens


def bits(model: Model, ids: np.ndarray) -> float:
    """Return the mean bits of tokens, of which the first follows the start token."""
    session, nats = model.session(), 0.0
    inputs = np.concatenate([[model.tokenizer.start], ids[:-1]]).astype(np.int64)
    for first in range(0, len(ids), PIECE):
        logits = session.feed(inputs[first : first + PIECE, None])[:, 0].astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        likely = logits[np.arange(len(logits)), ids[first : first + PIECE]]
        nats += float((np.log(np.exp(logits).sum(axis=1)) - likely).sum())
    return nats / len(ids) / float(np.log(2))


def main() -> None:
    """Print a line for each model."""
    text, *models = sys.argv[1:]
    held_out = encode_corpus([text]).held_out_ids
    for path in models:
        exact, rounded = (load(path, precision=precision) for precision in ("fp32", "int8"))
        names = [exact.runtime.name, rounded.runtime.name]
        assert names == ["native-fp32", "native-int8"], names
        one, other = bits(exact, held_out), bits(rounded, held_out)
        config = exact.config
        print(
            f"{config.hidden} x {config.layers}, {len(held_out):,} characters: fp32 {one:.5f} bits per character "
            f"(training said {exact.card.validation_bits_per_character:.5f}), int8 {other:.5f}, {other - one:+.5f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
