"""What of a history is shown, on a page or by a server: its one number, its curves over time, what the model wrote."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from longhand.report.charts import Reading
from longhand.report.history import History, Score, Standing


def score_of(history: History) -> float | None:
    """Return the one number of a training: the card's, once it has ended; until then the best so far."""
    if history.card is not None:
        return history.card.validation_bits_per_character
    return None if history.best is None else history.best.held_out_bits


def training_readings(history: History) -> list[Reading]:
    """Return the bits per character in training; of the classic recipe, where there are none, the loss in bits."""
    return _readings(_standings(history), _training_bits)


def held_out_readings(history: History) -> list[Reading]:
    """Return the bits per character on the held-out text."""
    return _readings(history.scores, lambda score: score.held_out_bits)


def rate_readings(history: History) -> list[Reading]:
    """Return the learning rates."""
    return _readings(_standings(history), lambda standing: standing.learning_rate)


def with_samples(history: History) -> list[Score]:
    """Return the scores beside which the model wrote something, the newest last."""
    return [score for score in history.scores if score.sample.strip()]


def _standings(history: History) -> list[Standing]:
    return sorted([*history.steps, *history.scores], key=lambda standing: standing.step)


def _readings(standings: Iterable[Standing], value: Callable[[Any], float | None]) -> list[Reading]:
    """Return one reading for each step that has both a time and a value."""
    found = {}
    for standing in standings:
        if standing.seconds is not None and (number := value(standing)) is not None:
            found[standing.step] = Reading(standing.seconds, number, standing.step)
    return list(found.values())


def _training_bits(standing: Standing) -> float | None:
    if standing.training_bits is None and isinstance(standing, Score) and standing.loss is not None:
        return standing.loss / math.log(2)
    return standing.training_bits
