"""What to train: chosen from the text, the time and this machine, with a reason for each choice.

For the time given, a larger network reads less. The best size has some characters read for each of its weights, as many
for a large network as for a small one (Hoffmann et al., 2022, who found it for Transformers). How many, and how much is
left out of a network that reads a text again and again, is from trainings of ours, which are in LOG.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from longhand.config import PLANNED, TrainConfig
from longhand.settings import token_kind
from longhand.training.speed import Speed, layer_weights
from longhand.units import PLURAL

SIZES = (64, 96, 128, 192, 256, 384, 512, 768, 1024)
LAYERS, WINDOW, EMBEDDING, RATE = 2, 64, 128, 6e-3
BATCHES, STEPS_AN_EPOCH = (16, 8, 4, 2), 64  # the largest batch that leaves so many steps in a reading of the text
RATE_FROM_A_MODEL = 2e-3
TOKENS_A_WEIGHT, MOST_READINGS = 16.0, 4.0  # see `best_weights`
WEIGHTS_A_TOKEN = 4.0  # of the text, at most: a larger network soon knows it by heart
SAFE_READINGS, DROPOUT_A_DOUBLING = 2.5, 0.075  # of a text with as many characters as the layers have weights
LEAST_DROPOUT, MOST_DROPOUT = 0.03, 0.5  # less is not worth the time that it takes
CHAPTERS, SHORTEST_CHAPTER = ((1.0, 4096), (0.25, 2048)), 1024  # readings of the text at least, and tokens
SEEN_AGAIN, DECAY_READINGS = 4.0, 2.5  # readings of the text: see `decay_for`
DECAY_SHARE, FEWEST_DECAY_STEPS, MOST_DECAY = 0.6, 1667.0, 1.0
LEAST_ANNEAL = 1e-4
TINY_TOKENS = 20_000  # of documents: a text of fewer is tiny
TINY_LAYERS, TINY_HIDDEN, TINY_EPOCHS = 1, 128, 40  # for that: see LOG.md
TIME_TO_SPARE = 1.5  # times as long as the readings of a tiny text take, for a training that ends after them
TINY_REASONS = {
    "hidden": "about the best for a tiny text of documents",
    "layers": "one learns more of a tiny text than two",
    "epochs": "in place of minutes: the text is so small that more would only be learned by heart",
}
MOST_EPOCHS = 60  # readings of a text after which the learning rate is the lowest: a small text is soon known
LEARNING_SHARE = 0.9  # of the time; the rest goes into reading, measuring, scoring and saving


@dataclass(frozen=True)
class Choice:
    """A setting, its value, and why it has it; `planned` unless it was given."""

    name: str
    value: float
    why: str
    planned: bool


@dataclass(frozen=True)
class Plan:
    """What is to be trained.

    - config: complete settings
    - choices: the planned ones, with reasons
    - speed: tokens a second to be expected; None where nothing was measured
    - epochs: how many times the text will be read, about; 0 where that is not known
    """

    config: TrainConfig
    choices: list[Choice]
    speed: float | None
    epochs: float

    @property
    def length(self) -> str:
        """How long the training is to be, in words."""
        number, unit = (self.config.minutes, "minute") if self.config.epochs is None else (self.config.epochs, "epoch")
        return f"{number:g} {unit}{'' if number == 1 else 's'}"

    @property
    def expected(self) -> str | None:
        """What is to be expected of this machine, in words."""
        if self.speed is None:
            return None
        what = PLURAL[token_kind(self.config)[0]]
        return f"about {self.speed:,.0f} {what} a second here: the text is read {_few(self.epochs)} times"


def make_plan(
    config: TrainConfig,
    free: frozenset[str],
    *,
    tokens: int,
    vocabulary: int,
    speed: Speed | None,
    documents: bool = False,
) -> Plan:
    """Choose the settings in `free`; the others are as `config` has them.

    A tiny text of documents, such as a list of names, has a small network, and is read a number of times where the
    time is longer than that takes.

    - tokens: to learn from
    - documents: whether these are of documents
    - vocabulary: number of different tokens
    - speed: of this machine; may be None where a number of epochs, not of minutes, is given, or nothing is free
    """

    def choose(**values: float) -> TrainConfig:
        return msgspec.structs.replace(config, **{name: value for name, value in values.items() if name in free})

    def read(config: TrainConfig) -> float:
        return tokens_read(config, tokens, None if speed is None else speed.of(config, vocabulary))

    tiny = documents and tokens < TINY_TOKENS and config.base is None
    layers, most_epochs = (TINY_LAYERS, TINY_EPOCHS) if tiny else (LAYERS, MOST_EPOCHS)
    config = choose(layers=layers, embedding=EMBEDDING, batch=batch_for(tokens), window=WINDOW)
    if tiny:
        config = choose(hidden=TINY_HIDDEN)
    elif "hidden" in free:
        shapes = [choose(hidden=hidden) for hidden in SIZES]
        small = [shape for shape in shapes if layer_weights(shape) <= WEIGHTS_A_TOKEN * tokens] or shapes[:1]
        config = min(small, key=lambda shape: abs(math.log(layer_weights(shape) / best_weights(read(shape), tokens))))
    epochs = read(config) / tokens
    ends_early = tiny and free.issuperset(PLANNED) and config.epochs is None and epochs > TIME_TO_SPARE * most_epochs
    if ends_early:
        config, epochs = msgspec.structs.replace(config, epochs=float(most_epochs)), float(most_epochs)
    useful = min(epochs, most_epochs)
    config = choose(
        dropout=dropout_for(useful, layer_weights(config) / tokens),
        learning_rate=RATE if config.base is None else RATE_FROM_A_MODEL,
        chapter=chapter_for(epochs),
        anneal=max(round(useful / epochs, 4), LEAST_ANNEAL) if epochs else 1.0,
    )
    config = choose(weight_decay=decay_for(useful, tokens / (config.batch * config.window), config.learning_rate))
    reasons = _reasons(config, epochs, tokens, vocabulary) | (TINY_REASONS if tiny else {})
    choices = [
        Choice(name, getattr(config, name), reasons[name] if name in free else _otherwise(name, config), name in free)
        for name in PLANNED
    ]
    if ends_early:
        choices.append(Choice("epochs", most_epochs, reasons["epochs"], planned=True))
    return Plan(config, choices, None if speed is None else speed.of(config, vocabulary), epochs)


def tokens_read(config: TrainConfig, tokens: int, speed: float | None) -> float:
    """Return how many tokens a training reads; 0 where only the time is known, and no speed.

    - tokens: in one reading of the text
    - speed: tokens a second
    """
    if config.epochs is not None:
        return config.epochs * tokens
    return 0.0 if speed is None else LEARNING_SHARE * 60 * config.minutes * speed


def best_weights(read: float, tokens: int) -> float:
    """Return how many weights the layers of the best network have that reads so many characters.

    One for every 16 that are read once. What is read again teaches less, so that a network of more weights, which reads
    it less often, is better: up to four times as many.

    - read: how many are learned from, again and again
    - tokens: how many there are
    """
    return read * min(max(read / tokens, 1.0), MOST_READINGS) / TOKENS_A_WEIGHT


def batch_for(tokens: int) -> int:
    """Return how many streams read a text of so many tokens side by side."""
    enough = (batch for batch in BATCHES if tokens >= STEPS_AN_EPOCH * batch * WINDOW)
    return next(enough, BATCHES[-1])


def chapter_for(epochs: float) -> int:
    """Return how long chapters are: shorter where only a part of the text is read, to read of more places."""
    return next((length for least, length in CHAPTERS if epochs >= least), SHORTEST_CHAPTER)


def dropout_for(epochs: float, weights: float) -> float:
    """Return the share to leave out: more for more readings of the text, and for more weights to know it by heart.

    - weights: of the layers, for each token of the text
    """
    readings = epochs * math.sqrt(weights)
    share = DROPOUT_A_DOUBLING * math.log2(max(readings, 1e-9) / SAFE_READINGS)
    return round(min(share, MOST_DROPOUT), 2) if share >= LEAST_DROPOUT else 0.0


def decay_for(epochs: float, steps: float, rate: float) -> float:
    """Return the weight decay: what no gradient holds falls to a third in some readings of a text that is read often.

    So a small text is remembered for as many readings as a large one: Wang and Aitchison (2024) count in epochs too. In
    a training of few readings it falls so in a part of all steps, but not in a few hundred.

    - epochs: readings of the text
    - steps: in a reading
    - rate: the highest learning rate
    """
    often = epochs >= SEEN_AGAIN
    remembered = DECAY_READINGS * steps if often else max(DECAY_SHARE * epochs * steps, FEWEST_DECAY_STEPS)
    return round(min(1 / (rate * remembered), MOST_DECAY), 4)


def _reasons(config: TrainConfig, epochs: float, tokens: int, vocabulary: int) -> dict[str, str]:
    what = PLURAL[token_kind(config)[0]]
    often = "rarely enough to learn nothing by heart" if config.dropout == 0 else "so it would learn it by heart"
    return {
        "hidden": f"as much as a text of {_rounded(tokens)} {what} can fill"
        if best_weights(epochs * tokens, tokens) > WEIGHTS_A_TOKEN * tokens
        else f"about the best for {_rounded(epochs * tokens)} {what} read",
        "layers": "two learn more than one or three in the same time",
        "embedding": f"enough for a vocabulary of {vocabulary:,}",
        "dropout": f"the text is read about {_few(epochs)} times, {often}",
        "batch": "more steps from the same text than with larger ones",
        "window": "what is further back comes with the state, without a gradient",
        "chapter": "a change of place as often as it costs less than the new one brings",
        "anneal": "the learning rate falls as long as there is something to learn",
        "weight_decay": f"what is not seen again is forgotten in about {DECAY_READINGS:g} readings"
        if epochs >= SEEN_AGAIN
        else "what does not help is forgotten before the end",
        "learning_rate": "the highest, for it falls in the end"
        if config.base is None
        else "lower, to keep what it knows",
    }


def _otherwise(name: str, config: TrainConfig) -> str:
    if config.recipe == "classic":
        return "the classic recipe's, or as given"
    of_base = config.base is not None and name in ("hidden", "layers", "embedding")
    return "that of the model to start from" if of_base else "as given"


def _few(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:,.0f}"


def _rounded(count: float) -> str:
    return f"{_few(count / 1e6)} million" if count >= 1e6 else f"{count:,.0f}"
