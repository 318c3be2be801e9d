"""What goes over the wire: the fields of requests and answers, with their types and ranges.

The settings of a completion that `longhand generate` has too are checked there (`longhand.config.SamplingConfig`), and
take their descriptions and ranges from it in the API's description (`longhand.serving.openapi`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from longhand.config import ScoringConfig, ValuesConfig
from longhand.gates.values import TokenBits
from longhand.report.history import State

MOST_TEXTS = 128  # of a request, all prompts' together
MOST_LIKELIEST = 20
MOST_SCORED = 1_000_000  # characters
Finish = Literal["stop", "length"]


class StreamOptions(msgspec.Struct, forbid_unknown_fields=True):
    """How a streamed answer is told."""

    include_usage: Annotated[bool, Meta(description="end with a chunk that says how many tokens there were")] | None = (
        None
    )
    include_obfuscation: Annotated[Literal[False], Meta(description="not supported: false")] | None = None


class CompletionRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Texts to be written. null stands for a field that was left out."""

    model: Annotated[str, Meta(description="one of /v1/models")]
    prompt: Annotated[
        str | list[Any] | None,
        Meta(description="what to go on from: a text, tokens by their numbers, or several of either"),
    ] = ""
    suffix: Annotated[str, Meta(description="not supported: null")] | None = None
    max_tokens: Annotated[int, Meta(description="tokens to write at most")] | None = None
    n: (
        Annotated[int, Meta(ge=1, le=MOST_TEXTS, description="texts for each prompt; the second has seed + 1")] | None
    ) = None
    best_of: (
        Annotated[
            int, Meta(ge=1, le=MOST_TEXTS, description="texts to choose the n from that the model finds most probable")
        ]
        | None
    ) = None
    stop: (
        Annotated[str | Annotated[list[str], Meta(max_length=100)], Meta(description="texts before which to end")]
        | None
    ) = None
    stream: Annotated[bool, Meta(description="tell the text as it comes, as server-sent events")] | None = None
    stream_options: StreamOptions | None = None
    echo: Annotated[bool, Meta(description="begin the text with its prompt")] | None = None
    logprobs: (
        Annotated[
            int,
            Meta(ge=0, le=MOST_LIKELIEST, description="say how probable each token was, and so many of the likeliest"),
        ]
        | None
    ) = None
    logit_bias: (
        Annotated[
            dict[str, Annotated[float, Meta(ge=-1000, le=1000)]],
            Meta(max_length=10_000, description="what is added to the logits of tokens, by number or text"),
        ]
        | None
    ) = None
    user: (
        Annotated[
            str, Meta(max_length=1000, description="who asks; users take turns where not all can be served at once")
        ]
        | None
    ) = None
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    greedy: bool | None = None
    top_k: int | None = None
    min_p: float | None = None
    typical: float | None = None
    temperature_end: float | None = None
    repetition_penalty: float | None = None
    penalty_window: int | None = None
    length_in: Literal["tokens", "characters"] | None = None
    until: Literal["sentence", "line", "document"] | None = None
    pattern: str | None = None
    lines: int | None = None
    line_length: str | None = None
    acrostic: str | None = None
    without: str | None = None
    ban: list[str] | None = None
    max_copy: int | None = None
    state: (
        Annotated[str, Meta(description="where a text was left (return_state): it goes on, with the prompt after it")]
        | None
    ) = None
    return_state: Annotated[bool, Meta(description="return where each text was left")] | None = None


class Logprobs(msgspec.Struct):
    """How probable the tokens of a text were, in natural logarithms, before temperature and filters.

    - tokens: what each adds to the text
    - text_offset: the character that each begins at, the prompt's included where it is echoed
    """

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None] | None
    text_offset: list[int]


class Choice(msgspec.Struct):
    """A text; `state` says where it was left, where that was asked for."""

    index: int
    text: str
    finish_reason: Finish | None = None
    logprobs: Logprobs | None = None
    state: str | UnsetType = UNSET


class Usage(msgspec.Struct):
    """How many tokens were read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(msgspec.Struct, kw_only=True):
    """Texts that were written, or what has come of one. `seed` is that of the first."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | UnsetType | None = UNSET
    seed: int | UnsetType | None = UNSET


class ModelFacts(msgspec.Struct):
    """What a model is.

    - tokens: what a token is: "char", "byte", "word", "whitespace" or "bpe"
    - bits_per_character: on the text that was held out as it learned
    - documents: whether it writes texts with an end of their own
    - window: how many tokens it reads before it writes the next; null if all
    - temperature: what it writes with where nothing is said
    - max_copy: whether it can be kept from copying what it learned from
    """

    tokens: str
    vocabulary: int
    layers: int
    hidden: int
    parameters: int
    bits_per_character: float | None
    documents: bool
    window: int | None
    temperature: float
    max_copy: bool


class ModelEntry(msgspec.Struct, kw_only=True):
    """A model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["longhand"] = "longhand"
    longhand: ModelFacts


class ModelList(msgspec.Struct):
    """All models that can be asked."""

    data: list[ModelEntry]
    object: Literal["list"] = "list"


class ScoreRequest(ScoringConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text to be scored, and how."""

    model: Annotated[str, Meta(description="one of /v1/models")]
    input: Annotated[str, Meta(min_length=1, max_length=MOST_SCORED, description="the text")]
    per_token: Annotated[bool, Meta(description="say how many bits each token took")] = False


class ScoreAnswer(msgspec.Struct, kw_only=True):
    """How well a model predicts a text: lower is better, but for the counts. `bits` is in all."""

    object: Literal["score"] = "score"
    model: str
    bits: float
    characters: int
    bytes: int
    tokens: int
    unknown: int
    bits_per_character: float
    bits_per_byte: float
    perplexity: float | None
    token_bits: list[TokenBits] | UnsetType = UNSET


class InspectRequest(ValuesConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text, and which of the network's values to look at as it reads this."""

    model: Annotated[str, Meta(description="one of /v1/models")]
    input: Annotated[str, Meta(min_length=1, max_length=MOST_SCORED, description="the text")]


class RunEntry(msgspec.Struct):
    """A training that can be followed."""

    id: str
    state: State


class RunList(msgspec.Struct):
    """All trainings that can be followed."""

    data: list[RunEntry]
    object: Literal["list"] = "list"


class Health(msgspec.Struct):
    """That the server is there."""

    status: Literal["ok"]
    version: str
