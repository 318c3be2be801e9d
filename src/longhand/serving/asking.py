"""From the JSON of a completion to what a scheduler is asked for; everything that is wrong with it is said here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from longhand.arrays import TokenIds
from longhand.config import COMPLETION_TOKENS, SamplingConfig
from longhand.generation.constraints.bounds import Bounds, never_interrupt
from longhand.generation.saved import WritingState
from longhand.generation.writing import Task
from longhand.model import Model
from longhand.serving.problems import ApiError
from longhand.serving.sealing import Sealer
from longhand.serving.wire import MOST_TEXTS, CompletionRequest
from longhand.settings import in_words

MOST_PROMPTS = MOST_TEXTS
SEEDS = 2**63
MOST_STOPS, LONGEST_STOPS = 100, 2000  # what each costs at every token, others wait for
LONGEST_WINDOW = 1024
MAX_ECHOED = 4_000_000  # characters of prompts in an answer with several texts: it lies in memory until it is read
MAX_STATE_BYTES = 8_000_000  # of all states in one answer
BIAS_BYTES = 30  # that one bias takes in a state
BOUNDS = Bounds(
    places=2000,
    connections=50_000,
    sets=10_000,
    combinations=20_000,
    steps=200_000,
    max_bytes=1 << 26,
    max_seconds=2.0,
)
"""Of a shape: few enough bytes for many texts at once, and little enough time for those who wait for the threads."""

SETTINGS = tuple(name for name in SamplingConfig.__struct_fields__ if name in CompletionRequest.__struct_fields__)


@dataclass(frozen=True)
class Prompted:
    """A prompt: its text, and its tokens where these were given."""

    text: str
    tokens: TokenIds | None = None


@dataclass(frozen=True)
class Asked:
    """What is to be written.

    - seeds: of the texts of each prompt; None for one that goes on with another text's chance, as only the first does
    - keep: how many of them are returned
    - first_seed: the first of them; None where they go on with another text's chance
    """

    task: Task
    prompts: list[Prompted]
    seeds: list[int | None]
    keep: int
    before: WritingState | None
    first_seed: int | None


def asked(
    wanted: CompletionRequest,
    model: Model,
    sealer: Sealer,
    longest: int,
    interrupt: Callable[[], None] = never_interrupt,
) -> Asked:
    """Return what a request asks for, checked as far as can be known before it is written.

    - longest: the most tokens that a text may have
    - interrupt: is called while a shape is prepared, and raises an error to stop

    Raises `ApiError` and `LonghandError`.
    """
    if model.config.window is not None:
        _refuse_of_windows(wanted)
    prompts = _prompts(wanted.prompt, model)
    n = wanted.n or 1
    best_of = wanted.best_of or n
    _refuse_together(wanted, len(prompts), n, best_of)
    _refuse_large(wanted, sum(len(prompt.text) for prompt in prompts) * n, len(prompts) * n, model)
    before = None if wanted.state is None else _opened(wanted.state, model, sealer)
    if wanted.max_copy is not None and model.copies is None:
        raise ApiError(
            400,
            "max_copy: nothing is known of the text that the model learned from: longhand generate MODEL --max-copy N "
            "--corpus TEXT makes its index, once, beside the model",
            param="max_copy",
        )
    task = model.task(before, bounds=BOUNDS, interrupt=interrupt, **_settings(wanted, longest))
    seed = wanted.seed if wanted.seed is not None or before is not None else secrets.randbits(32)
    seeds: list[int | None] = [None, *(secrets.randbits(32) for _ in range(best_of - 1))]
    if seed is not None:
        seeds = [(seed + number) % SEEDS for number in range(best_of)]
    return Asked(task, prompts, seeds, n, before, seed)


def _opened(sealed: str, model: Model, sealer: Sealer) -> WritingState:
    """Return where a text of this model was left."""
    before = sealer.open(sealed)
    if before.facts.model != model.file.fingerprint:
        other = before.facts.model_name or "another model"
        raise ApiError(
            400,
            f"state: found one of {other}, which is another model or was trained since: ask that one, or send the text "
            "so far as prompt",
            param="state",
            code="state_of_other",
        )
    return before


def _settings(wanted: CompletionRequest, longest: int) -> dict[str, Any]:
    """Return the settings that a text is drawn with."""
    length = COMPLETION_TOKENS if wanted.max_tokens is None else wanted.max_tokens
    if not 0 <= length <= longest:
        raise ApiError(400, f"max_tokens: found {length}, expected 0 to {longest:,}", param="max_tokens")
    values = {name: value for name in SETTINGS if (value := getattr(wanted, name)) is not None}
    values["length"] = length
    if "stop" in values:
        values["stop"] = (values["stop"],) if isinstance(values["stop"], str) else tuple(values["stop"])
        if len(values["stop"]) > MOST_STOPS or sum(map(len, values["stop"])) > LONGEST_STOPS:
            raise ApiError(
                400, f"stop: expected up to {MOST_STOPS} texts, of {LONGEST_STOPS:,} characters in all", param="stop"
            )
    if values.get("penalty_window", 0) > LONGEST_WINDOW:
        raise ApiError(400, f"penalty_window: expected up to {LONGEST_WINDOW:,}", param="penalty_window")
    if "ban" in values:
        values["ban"] = tuple(values["ban"])
    if "logit_bias" in values:
        biases = values["logit_bias"].items()
        values["logit_bias"] = {int(name) if _is_number(name) else name: value for name, value in biases}
    return values


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 10


def _prompts(given: str | list[Any] | None, model: Model) -> list[Prompted]:
    """Return prompts of whatever may stand for them."""
    if given is None or isinstance(given, str):
        return [Prompted(model.as_read(_characters(given or "")))]
    if not given:
        raise ApiError(400, "prompt: found an empty list, expected texts or tokens", param="prompt")
    if _are_tokens(given):
        return [_of_tokens(given, model)]
    if len(given) > MOST_PROMPTS:
        raise ApiError(400, f"prompt: found {len(given):,}, expected up to {MOST_PROMPTS} texts", param="prompt")
    if all(isinstance(each, str) for each in given):
        return [Prompted(model.as_read(_characters(each))) for each in given]
    if all(map(_are_tokens, given)):
        return [_of_tokens(each, model) for each in given]
    raise ApiError(400, "prompt: expected a text, a list of texts, of tokens, or of lists of tokens", param="prompt")


def _are_tokens(given: Any) -> bool:
    return isinstance(given, list) and all(type(each) is int for each in given)


def _characters(text: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ApiError(400, "prompt: found half of a surrogate pair, expected characters", param="prompt")
    return text


def _of_tokens(tokens: Any, model: Model) -> Prompted:
    size = model.tokenizer.size
    if wrong := next((token for token in tokens if not 0 <= token < size), None):
        raise ApiError(400, f"prompt: found the token {wrong}, the model's are 0 to {size - 1}", param="prompt")
    ids = np.array(tokens, np.int64)
    return Prompted(model.tokenizer.decoder().decode(ids), ids)


def _refuse_of_windows(wanted: CompletionRequest) -> None:
    """Raise `ApiError` for what a model cannot do that reads a window."""
    for name in ("state", "return_state", "max_copy"):
        if getattr(wanted, name):
            raise ApiError(400, f"{name}: a model that reads a window has no state to come back to", param=name)


def _refuse_together(wanted: CompletionRequest, prompts: int, n: int, best_of: int) -> None:
    """Raise `ApiError` for fields that do not go together."""
    if wanted.suffix is not None:
        raise ApiError(400, "suffix: texts are written from their beginning to their end: leave it out", param="suffix")
    if best_of < n:
        raise ApiError(400, f"best_of: found {best_of}, expected at least n, {n}", param="best_of")
    if best_of > n and wanted.stream:
        raise ApiError(400, "best_of: nobody knows which text is the best before all are written", param="best_of")
    if prompts * best_of > MOST_TEXTS:
        raise ApiError(400, f"n: found {prompts * best_of:,} texts in all, expected up to {MOST_TEXTS}", param="n")
    if wanted.stream_options is not None and not wanted.stream:
        raise ApiError(400, "stream_options: found without stream", param="stream_options")
    if wanted.echo and wanted.state is not None:
        raise ApiError(400, "echo: nobody knows here what came before the state: leave it out", param="echo")


def _refuse_large(wanted: CompletionRequest, echoed: int, texts: int, model: Model) -> None:
    """Raise `ApiError` for an answer that would be too large, before anything of it is made.

    - echoed: characters of prompts that would be in it
    """
    if wanted.echo and texts > 1 and echoed > MAX_ECHOED:
        raise ApiError(
            400,
            f"echo: the answer would repeat {echoed:,} characters of prompts, expected up to {MAX_ECHOED:,}: ask for "
            "fewer texts, or add the prompt to them yourself",
            param="echo",
        )
    biases = BIAS_BYTES * len(wanted.logit_bias or {})
    size = (8 * model.config.layers * model.config.hidden + 8 * LONGEST_WINDOW + biases) * 4 // 3
    if wanted.return_state and size * texts > MAX_STATE_BYTES:
        raise ApiError(
            400,
            f"return_state: the states of {texts} texts would take up to {size * texts:,} bytes, expected up to "
            f"{MAX_STATE_BYTES:,}: ask for fewer texts at a time, or set fewer biases",
            param="return_state",
        )


def explained(message: str) -> tuple[str, str]:
    """Return which field a message of msgspec's is about, and what it says in a person's words."""
    problem, _, place = message.partition(" - at `$")
    name = place.strip(".`").partition("[")[0]
    quoted = problem.split("`")
    if problem.startswith("Object contains unknown field"):
        return (f"{name}." if name else "") + quoted[1], "no field that this server knows"
    if problem.startswith("Object missing required field"):
        return (f"{name}." if name else "") + quoted[1], "missing"
    return name, in_words(problem)


def decoded(body: bytes, kind: type[msgspec.Struct]) -> Any:
    """Return what the JSON of a request says; raises `ApiError` for what is none, or has other fields."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        name, problem = explained(str(error))
        raise ApiError(400, f"{name}: {problem}" if name else problem, param=name or None) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ApiError(400, f"the body is no JSON: {error}") from None
