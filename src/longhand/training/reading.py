"""How a training reads its text."""

from __future__ import annotations

from longhand.config import DETECT, SEPARATORS, TrainConfig
from longhand.text.reading import Reading


def reading_of(config: TrainConfig) -> Reading:
    """Return how the files of a corpus are to be read."""
    return Reading(
        encoding=None if config.encoding == DETECT else config.encoding,
        column=config.column,
        separator=None if config.separator is None else SEPARATORS.get(config.separator, config.separator),
        skip_bad_rows=config.skip_bad_rows,
        normalize=config.normalize,
        fix_mojibake=config.fix_mojibake,
        keep_markup=config.keep_markup,
    )
