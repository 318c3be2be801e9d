"""What is asked of a text though the model can never write it: it has no effect, which a person should know."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from longhand.config import SamplingConfig
from longhand.generation.constraints.alphabet import writable
from longhand.generation.constraints.shapes import both_cases
from longhand.text.tokenizer import Tokenizer

MOST_SHOWN = 10  # characters


def unwritable(tokenizer: Tokenizer, sampling: SamplingConfig) -> Iterator[str]:
    """Yield a sentence for each stop string, banned text, letter or bias that can never have an effect."""
    if not any((sampling.stop, sampling.ban, sampling.without, sampling.acrostic, sampling.logit_bias)):
        return
    known = Known(tokenizer)
    for text in sampling.stop:
        if missing := known.missing_in(text):
            yield f"stop: the model never writes {missing}, so {text!r} ends no text"
    for text in sampling.ban:
        if missing := known.missing_in(text):
            yield f"ban: the model never writes {missing}, so {text!r} is banned already"
    if missing := known.missing_in(sampling.without or "", of_cases=True):
        yield f"without: the model never writes {missing} anyway"
    for token in sampling.logit_bias or {}:
        if isinstance(token, str) and (missing := known.missing_in(token)):
            yield f"logit bias: the model never writes {missing}, so the bias of {token!r} has no effect"
        elif token in known.never:
            yield f"logit bias: the model never writes token {token}, so its bias has no effect"


def without_idle_bias(tokenizer: Tokenizer, bias: dict[int | str, float] | None) -> dict[int | str, float] | None:
    """Return biases without those of texts that the model never writes."""
    if not bias:
        return bias
    known = Known(tokenizer)
    kept = {token: value for token, value in bias.items() if isinstance(token, int) or not known.missing_in(token)}
    return kept or None


class Known:
    """The characters that a model can write."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        in_bytes = tokenizer.kind in ("byte", "bpe")
        self._characters = None if in_bytes else frozenset(map(chr, writable(tokenizer).tolist()))
        self.never: Collection[int | str] = tokenizer.never_written

    def missing_in(self, text: str, *, of_cases: bool = False) -> str:
        """Return those characters of a text that it cannot write, as words; empty where it can write all.

        - of_cases: whether it is enough that it can write the small or the capital letter
        """
        if self._characters is None:
            return ""
        missing = [
            letter
            for letter in dict.fromkeys(text)
            if self._characters.isdisjoint(both_cases(letter) if of_cases else {letter})
        ]
        return ", ".join(map(repr, missing[:MOST_SHOWN])) + (", ..." if len(missing) > MOST_SHOWN else "")
