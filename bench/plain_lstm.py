"""What a plain script makes of a text in some minutes: the measure that Longhand has to beat.

`python bench/plain_lstm.py FILE [--minutes 2] [--hidden 256] [--batch 50] [--window 50] [--rate 2e-3]`

Two layers of `torch.nn.LSTM` with an embedding and a linear head, torch's own initial values, Adam with a constant
rate, gradients clipped to 5, 50 streams of windows of 50 with the state carried: what Karpathy's char-rnn and the
scripts after it do. It is given the benefit of every doubt: ten times on the way it is scored on the last tenth of the
text, which costs it no time, and the best score counts. The vocabulary is that of the whole text. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

SCORES = 10
SCORED_AT_ONCE = 256  # tokens


class Plain(nn.Module):
    """Embedding, LSTM, linear head."""

    def __init__(self, vocabulary: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.lstm = nn.LSTM(hidden, hidden, num_layers=2)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, tokens: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Tokens (time, streams) -> logits (time, streams, vocabulary) and the state after them."""
        outputs, state = self.lstm(self.embedding(tokens), state)
        return self.head(outputs), state


def bits(network: Plain, held_out: Tensor) -> float:
    """Return the mean bits per character of a text read in order, (characters,), but for its first one."""
    nats, state, threads = 0.0, None, torch.get_num_threads()
    torch.set_num_threads(1)  # one text is so little work at a time that threads would mostly wait for each other
    network.eval()
    with torch.no_grad():
        for begin in range(0, len(held_out) - 1, SCORED_AT_ONCE):
            part = held_out[begin : begin + SCORED_AT_ONCE + 1, None]
            logits, state = network(part[:-1], state)
            nats += functional.cross_entropy(logits.flatten(0, 1), part[1:].flatten(), reduction="sum").item()
    network.train()
    torch.set_num_threads(threads)
    return nats / (len(held_out) - 1) / math.log(2)


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    for name, default in (("--minutes", 2.0), ("--rate", 2e-3)):
        parser.add_argument(name, type=float, default=default)
    for name, standard in (("--hidden", 256), ("--batch", 50), ("--window", 50), ("--seed", 0)):
        parser.add_argument(name, type=int, default=standard)
    arguments = parser.parse_args()
    began, scoring = time.monotonic(), 0.0
    text = arguments.file.read_text(encoding="utf-8")
    vocabulary = sorted(set(text))
    numbers = {letter: number for number, letter in enumerate(vocabulary)}
    ids = torch.from_numpy(np.fromiter((numbers[letter] for letter in text), np.int64, len(text)))
    held_out = ids[len(ids) - round(len(ids) / 10) :]
    length = (len(ids) - len(held_out)) // arguments.batch
    streams = ids[: length * arguments.batch].view(arguments.batch, length).T.contiguous()
    torch.manual_seed(arguments.seed)
    network = Plain(len(vocabulary), arguments.hidden)
    optimizer = torch.optim.Adam(network.parameters(), lr=arguments.rate)
    state, at, characters, scores = None, 0, 0, [math.inf]
    while (progress := (time.monotonic() - began - scoring) / (60 * arguments.minutes)) < 1:
        if at + arguments.window + 1 > length:
            state, at = None, 0
        part = streams[at : at + arguments.window + 1]
        optimizer.zero_grad()
        logits, state = network(part[:-1], state)
        state = (state[0].detach(), state[1].detach())
        functional.cross_entropy(logits.flatten(0, 1), part[1:].flatten()).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        at += arguments.window
        characters += part[1:].numel()
        if progress * SCORES >= len(scores):
            before = time.monotonic()
            scores.append(bits(network, held_out))
            scoring += time.monotonic() - before
    scores.append(bits(network, held_out))
    epochs = characters / (length * arguments.batch)
    print(json.dumps({"bits_per_character": min(scores), "last": scores[-1], "epochs": round(epochs, 2)}))


if __name__ == "__main__":
    main()
