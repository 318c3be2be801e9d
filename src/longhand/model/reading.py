"""A model reads: how well it predicts a text, what comes next, what goes on inside it, what it learns of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from longhand.arrays import DoubleArray
from longhand.config import AdaptConfig, InspectConfig, ScoringConfig
from longhand.errors import OptionError
from longhand.generation.likeliest import Next, likeliest
from longhand.learned import marked_documents, other_text
from longhand.model.base import ModelBase
from longhand.settings import configured
from longhand.text.opened import untold as untold_note
from longhand.text.progress import Told, untold
from longhand.text.sources import Source
from longhand.text.utf8 import without_surrogates

if TYPE_CHECKING:
    from longhand.gates.clamping import Clamps
    from longhand.gates.inspection import Inspection
    from longhand.gates.values import GateValues
    from longhand.scoring.score import Score, Scorer, Watch

AnyModel = TypeVar("AnyModel", bound="ReadingModel")


class ReadingModel(ModelBase):
    """What a model does with a text that it reads."""

    def score(
        self, text: str | Iterable[str], *watching: Watch, pause: Callable[[], None] | None = None, **scoring: Any
    ) -> Score:
        """Say how well the model predicts a text: bits per character and per byte, perplexity.

        Keywords are the fields of `longhand.ScoringConfig`: `adapt`, `cache`, `streams` and others.

        - text: whole, or in pieces of any length, of which no more is kept than is needed; in a text of documents these
          are parted as in the text that was learned from
        - watching: are called with each `Block` of the text and the bits of its tokens
        - pause: is called between pieces of the work; what it raises ends the work

        Raises `OptionError` for an empty text, and as the tokenizer does for what it does not know.
        """
        return self.scorer(pause, **scoring).score(self._documents(text), *watching)

    def scorer(self, pause: Callable[[], None] | None = None, **scoring: Any) -> Scorer:
        """Return what scores a text, whose documents end with BOUNDARY; arguments as for `score`."""
        from longhand.scoring.passing import never_pause
        from longhand.scoring.score import Scorer

        config = configured(ScoringConfig, scoring)
        return Scorer(self.tokenizer, self.config, self.file.weights, self.runtime, config, pause or never_pause)

    def log_probabilities(self, text: str, **scoring: Any) -> DoubleArray:
        """Return the natural logarithms of the probabilities of a text's tokens, (tokens,); keywords as for `score`.

        The end of a document is a token.
        """
        found: list[DoubleArray] = []
        self.score(text, lambda _, bits: found.append(-bits * np.log(2)), **scoring)
        return np.concatenate(found)

    def next(self, text: str, k: int = 10) -> list[Next]:
        """Return the `k` tokens that are likeliest to follow a text, with their probabilities, the likeliest first.

        Raises `OptionError` for an empty text where the model has no beginning of its own, and for none or fewer.
        """
        if k < 1:
            raise OptionError(f"k: found {k}, expected a number of tokens from 1")
        return likeliest(self.session(), self.tokenizer, self.as_read(text), k, ends=self.config.documents)

    def adapted(self: AnyModel, text: str | Iterable[str], **adapting: Any) -> AnyModel:
        """Return a model that has learned from a text as it read it; this one stays as it is.

        Keywords are the fields of `longhand.AdaptConfig`: `adapt_layers` and `adapt_rate`. Raises `OptionError`.
        """
        return self._adapted(self._documents(text), adapting)

    def adapted_to_file(
        self: AnyModel, source: Source, *, note: Callable[[str], None] = untold_note, **adapting: Any
    ) -> AnyModel:
        """Return a model that has learned from a file, read as that of its training, its documents too.

        Keywords as for `adapted`; `note` is called with what was changed. Raises as `adapted` does, and `CorpusError`.
        """
        with other_text(self.file, [source]) as text:
            model = self._adapted(text.pieces("adapting"), adapting)
            for line in text.notes:
                note(line)
        return model

    def _adapted(self: AnyModel, pieces: Iterable[str], adapting: dict[str, Any]) -> AnyModel:
        configured(AdaptConfig, adapting)
        scorer = self.scorer(adapt=True, **adapting)
        scorer.score(pieces)
        assert scorer.adapting is not None
        return type(self)(replace(self.file, weights=scorer.adapting.weights()), self._run, self.path)

    def inspect(self, text: str, *, tell: Told = untold, **settings: Any) -> Inspection:
        """Look into the network as it reads a text: gates, cells, what its units follow, how long it remembers.

        Keywords are the fields of `longhand.InspectConfig`: `probe`, `reach`, `places`, `seed`. The result's `trace`
        has the numbers, its `write_page` makes a page of them. Raises `OptionError`, `CorpusError`.
        """
        from longhand.gates.inspection import inspect

        wanted, text = configured(InspectConfig, settings), self.as_read(text)
        return inspect(
            self.file, self.tokenizer, self.runtime, text, wanted, name=without_surrogates(self.name), tell=tell
        )

    def gate_values(
        self, text: str, layer: int | None = None, show: str = "cell", *, tell: Told = untold
    ) -> GateValues:
        """Return what the units of one layer do as the network reads a text of at most 4,000 tokens, as plain numbers.

        - layer: from 1; the last if left out
        - show: "cell", "hidden", "input", "forget", "output" or "candidate"
        - tell: is told how far it is; what it raises ends the work

        Raises `OptionError`, `CorpusError`.
        """
        from longhand.gates.values import gate_values

        name, text = without_surrogates(self.name), self.as_read(text)
        return gate_values(self.file, self.tokenizer, text, layer=layer, show=show, name=name, tell=tell)

    def clamped(self: AnyModel, clamps: Clamps) -> AnyModel:
        """Return a model whose units are held at a value, by (layer, unit) from 1; this one stays as it is.

        Raises `OptionError` for units that there are not, and for values that are not from -1 to 1.
        """
        from longhand.gates.clamping import clamped

        return type(self)(clamped(self.file, clamps), self._run, self.path)

    def _documents(self, text: str | Iterable[str]) -> Iterable[str]:
        return marked_documents(self.file, self.pieces_as_read(text))
