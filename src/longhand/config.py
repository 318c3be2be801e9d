"""The settings: each field's type, range, default and description, stated once.

The command line takes its options' defaults and help from here, the Python API its keywords, and the model file
its `config` record. Values that come from outside go through `configured`, which checks them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from longhand.errors import OptionError
from longhand.units import TokenKind

Settings = TypeVar("Settings", bound=msgspec.Struct)


FEWEST_SUBWORDS = 257  # all bytes, and the start of a text
SUBWORDS = 4096  # tokens of byte-pair encoding, where no number is given
TOKENS = re.compile(r"^(char|byte|word|bpe(:[1-9][0-9]{2,6})?)\Z")


class NetworkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The blueprint of a network: token -> embedding -> LSTM layers -> linear head -> softmax."""

    vocabulary_size: Annotated[int, Meta(ge=1, le=16_777_216, description="number of different tokens")]
    embedding: Annotated[int, Meta(ge=1, le=65_536, description="numbers that stand for a token")] = 128
    hidden: Annotated[int, Meta(ge=1, le=65_536, description="units in each layer")] = 256
    layers: Annotated[int, Meta(ge=1, le=64, description="LSTM layers")] = 2
    window: (
        Annotated[int, Meta(ge=1, le=65_536, description="tokens that a prediction is made from, each time afresh")]
        | None
    ) = None
    documents: Annotated[bool, Meta(description="whether the start token ends a text too, and the next one begins")] = (
        False
    )


class TrainConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is trained. Where `epochs` is given it takes the place of `minutes`.

    The defaults written here are the default recipe's; `CLASSIC` has the other ones of the classic recipe. Those in
    `PLANNED` hold only until a plan is made.
    """

    recipe: Annotated[
        Literal["default", "classic"],
        Meta(description="default, or classic: the Keras tutorial's, one target for each window (docs/from-keras.md)"),
    ] = "default"
    base: (
        Annotated[str, Meta(description="a model to start from: it keeps what it knows, and learns new characters")]
        | None
    ) = None
    tokens: Annotated[
        str,
        Meta(
            pattern=TOKENS.pattern,
            description="what is read and written at a time: char, byte, word, bpe or bpe:SIZE (parts of words)",
        ),
    ] = "char"
    vocabulary: Annotated[int, Meta(ge=1, le=2**23, description="words that have a token of their own, at most")] = (
        20_000
    )
    min_count: Annotated[
        int, Meta(ge=1, le=2**53, description="times that a word must occur to have a token of its own")
    ] = 2
    unknown: Annotated[
        Literal["spell", "replace"],
        Meta(description="other words: spelt in characters, or one token in place of all of them"),
    ] = "spell"
    documents: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="what begins anew and comes to an end: line, blank (what blank lines part), file, none, or any "
            "text that stands between documents",
        ),
    ] = "none"
    minutes: Annotated[
        float, Meta(gt=0, le=100_000, description="minutes to train for, reading and scoring included")
    ] = 5.0
    epochs: (
        Annotated[float, Meta(gt=0, le=1_000_000, description="times to read the text, in place of --minutes")] | None
    ) = None
    hidden: Annotated[int, Meta(ge=1, le=65_536, description="units in each LSTM layer")] = 256
    layers: Annotated[int, Meta(ge=1, le=64, description="LSTM layers")] = 2
    embedding: Annotated[
        int,
        Meta(ge=0, le=65_536, description="numbers that stand for a token; 0: one, its number / the vocabulary's size"),
    ] = 128
    dropout: Annotated[
        float, Meta(ge=0, le=0.99, description="share of the numbers between layers left out at each step")
    ] = 0.1
    batch: Annotated[
        int, Meta(ge=1, le=65_536, description="streams of text, or windows, that are read side by side")
    ] = 16
    window: Annotated[int, Meta(ge=1, le=65_536, description="tokens that the gradient reaches back")] = 64
    chapter: Annotated[
        int,
        Meta(ge=1, le=2**40, description="tokens that a stream reads on before it takes another place of the text"),
    ] = 4096
    learning_rate: Annotated[float, Meta(gt=0, le=10, description="learning rate, the highest if it changes")] = 6e-3
    anneal: Annotated[
        float,
        Meta(gt=0, le=1, description="share of the training after which the learning rate has fallen to its lowest"),
    ] = 1.0
    held_out: Annotated[
        float, Meta(ge=0, le=0.5, description="share of the text, its end, that is only scored and never learned from")
    ] = 0.1
    seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="where all chance starts: with --epochs, same seed, same training")
    ] = 0
    threads: Annotated[int, Meta(ge=1, le=4096, description="processor threads; all cores if left out")] | None = None
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"], Meta(description="what to train on: auto, cpu, cuda or mps")
    ] = "auto"
    checkpoint_every: Annotated[
        float,
        Meta(
            ge=0,
            le=1_000_000,
            description="seconds between checkpoints, more where they take more than 2 % of the time",
        ),
    ] = 30.0


CLASSIC: dict[str, int | float] = {
    "epochs": 20,
    "embedding": 0,
    "dropout": 0.2,
    "batch": 128,
    "window": 100,
    "learning_rate": 1e-3,
    "held_out": 0.0,
}
"""Where the classic recipe's defaults differ from the default recipe's."""

PLANNED = ("hidden", "layers", "embedding", "dropout", "batch", "window", "chapter", "learning_rate", "anneal")
"""Settings of the default recipe that a plan chooses where they are not given (`longhand.training.plan`)."""

OF_DEFAULT = ("chapter", "anneal")
"""Settings that the classic recipe does not have."""

OPTION_NAMES = {"learning_rate": "lr", "base": "from"}
"""Settings whose option on the command line has another name."""

CHANGEABLE = ("minutes", "epochs", "threads", "device", "checkpoint_every")
"""Settings that a training may go on with another value of."""

TEMPERATURE = 0.8
"""What texts are drawn with where nothing else is said, but for models that read a window: those write greedily."""


LENGTH = 1000
"""How many tokens are written where nothing else is said."""

LONGEST_DOCUMENT = 20_000
"""How many tokens a document may have that is written, where nothing else is said: a poor model finds no end."""


class SamplingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a text is drawn from a model."""

    length: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2**53,
                description="characters (or what else the model's tokens are) to write; with --documents, of each at "
                f"most [default: {LENGTH}; with --documents {LONGEST_DOCUMENT}]",
            ),
        ]
        | None
    ) = None
    documents: (
        Annotated[int, Meta(ge=1, le=2**53, description="documents to write; for models that learned from such")] | None
    ) = None
    temperature: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=1000,
                description=f"below 1 safer, above 1 wilder, 0 as --greedy [default: {TEMPERATURE}; classic models: 0]",
            ),
        ]
        | None
    ) = None
    greedy: Annotated[bool, Meta(description="take the likeliest character every time (temperature 0)")] = False
    top_k: Annotated[int, Meta(ge=1, le=2**31 - 1, description="draw from this many likeliest characters")] | None = (
        None
    )
    top_p: (
        Annotated[
            float,
            Meta(gt=0, le=1, description="draw from the fewest characters whose probabilities add up to this"),
        ]
        | None
    ) = None
    min_p: (
        Annotated[
            float,
            Meta(ge=0, le=1, description="leave out characters below this share of the likeliest one's probability"),
        ]
        | None
    ) = None
    seed: (
        Annotated[int, Meta(ge=0, le=2**63 - 1, description="same seed, same text; drawn and reported if left out")]
        | None
    ) = None


class RunConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model is run with."""

    precision: Annotated[
        Literal["auto", "fp32", "int8"],
        Meta(
            description="of the weights: fp32, int8 (several times as fast, a little less exact), or auto: int8 "
            "where fp32 would read more than 8 MB a token"
        ),
    ] = "auto"
    threads: (
        Annotated[int, Meta(ge=1, le=64, description="processor threads; up to 4, where that pays, if left out")] | None
    ) = None


class BenchConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How speeds are measured."""

    rounds: Annotated[
        int, Meta(ge=1, le=1000, description="times that are taken of everybody; their median counts")
    ] = 5
    seconds: Annotated[float, Meta(ge=0.001, le=60, description="about how long each of these is")] = 0.2


def train_config(values: Mapping[str, object]) -> TrainConfig:
    """Build a `TrainConfig` from the values that were given; what was not has its recipe's default.

    Raises `OptionError` as `configured` does, and where values do not go together.
    """
    config = configured(TrainConfig, values)
    _refuse_idle(config, values)
    if config.recipe == "default":
        if config.base == "":
            raise OptionError("from: found '', expected the name of a model to start from")
        if config.held_out == 0:
            raise OptionError(
                "held out: found 0, the default recipe keeps the model that scores best on what it holds out"
            )
        return config
    if config.tokens not in ("char", "word"):
        raise OptionError(f"tokens: found {config.tokens!r}, the classic recipe reads char or word")
    if config.base is not None:
        raise OptionError("from: the classic recipe starts from no model: leave --from out, or --recipe classic")
    if others := [name for name in (*OF_DEFAULT, "documents", "vocabulary", "min_count", "unknown") if name in values]:
        raise OptionError(f"{others[0]}: of the default recipe alone; leave it out, or --recipe classic")
    by_minutes = "minutes" in values and values.get("epochs") is None
    defaults = {name: value for name, value in CLASSIC.items() if not (name == "epochs" and by_minutes)}
    return configured(TrainConfig, {**defaults, **values})


def token_kind(config: TrainConfig) -> tuple[TokenKind, int]:
    """Return what a token is to be, and how many different words or parts of words there may be."""
    kind, _, size = config.tokens.partition(":")
    return cast("TokenKind", kind), config.vocabulary if kind == "word" else int(size or SUBWORDS)


def _refuse_idle(config: TrainConfig, values: Mapping[str, object]) -> None:
    """Refuse settings of tokens that do not go together."""
    kind, size = token_kind(config)
    for name in ("vocabulary", "min_count", "unknown"):
        if values.get(name) is not None and kind != "word":
            raise OptionError(f"{name.replace('_', ' ')}: of words alone, found tokens {kind}: add --tokens word")
    if kind == "bpe" and size < FEWEST_SUBWORDS:
        raise OptionError(
            f"tokens: found {config.tokens}, expected at least bpe:{FEWEST_SUBWORDS}: there are 256 bytes"
        )


def free_settings(config: TrainConfig, values: Mapping[str, object]) -> frozenset[str]:
    """Return the settings that a plan may choose: those of the default recipe that `values` does not give."""
    return frozenset() if config.recipe == "classic" else frozenset(PLANNED) - values.keys()


def resumed_settings(saved: TrainConfig, values: Mapping[str, object]) -> TrainConfig:
    """Return the settings of a training that goes on: those it began with, but for what may change on the way.

    Raises `OptionError` as `configured` does, and for another value of a setting that has to stay.
    """
    before = msgspec.to_builtins(saved)
    by, other = ("minutes", "epochs") if saved.epochs is None else ("epochs", "minutes")
    if values.get(other) is not None:
        raise OptionError(f"{other}: the training to resume ends after some {by}: give --{by}, or neither")
    config = configured(TrainConfig, {**before, **values})
    for name in values:
        if name not in CHANGEABLE and getattr(config, name) != before[name]:
            shown = OPTION_NAMES.get(name, name).replace("_", " ")
            raise OptionError(
                f"{shown}: found {values[name]}, the training to resume has {before[name]}: leave it out, or start anew"
            )
    return config


def length_of(sampling: SamplingConfig) -> int:
    """Return how many tokens a text has that is drawn, or with `documents` each of them has at most."""
    if sampling.length is not None:
        return sampling.length
    return LENGTH if sampling.documents is None else LONGEST_DOCUMENT


def sampling_for(network: NetworkConfig, sampling: SamplingConfig) -> SamplingConfig:
    """Return `sampling` with the temperature that `network` is drawn from where none was given."""
    if sampling.temperature is not None:
        return sampling
    return msgspec.structs.replace(sampling, temperature=TEMPERATURE if network.window is None else 0.0)


def configured(settings: type[Settings], values: Mapping[str, object]) -> Settings:
    """Build `settings` from `values`, checking every type and range.

    Example: `configured(SamplingConfig, {"temperature": 0.5})`.

    Raises `OptionError`, naming the option, what was found and what was expected.
    """
    try:
        return msgspec.convert(dict(values), settings)
    except msgspec.ValidationError as error:
        raise OptionError(_explained(str(error), settings, values)) from None


def description(settings: type[msgspec.Struct], field: str) -> str:
    """Return the description of a field, as its `Meta` states it."""
    hint = get_type_hints(settings, include_extras=True)[field]
    for part in _parts(hint):
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, Meta) and meta.description:
                return meta.description
    raise AssertionError(f"{settings.__name__}.{field} has no description")


def _parts(hint: Any) -> tuple[Any, ...]:
    return (hint, *get_args(hint))


def _explained(message: str, settings: type[msgspec.Struct], values: Mapping[str, object]) -> str:
    """Turn msgspec's "Expected `float` >= 0.0 - at `$.temperature`" into what was found and expected, for a person."""
    if unknown := sorted(set(values) - set(settings.__struct_fields__)):
        return f"found the option {unknown[0]!r}, expected some of {', '.join(settings.__struct_fields__)}"
    match = re.fullmatch(r"(?P<problem>.*) - at `\$\.(?P<field>\w+)`", message)
    if match is None:
        return message
    field = match["field"]
    kind = next((part for part in _parts(get_type_hints(settings)[field]) if get_origin(part) is Literal), None)
    if kind is not None and "enum" in match["problem"]:
        return f"{field.replace('_', ' ')}: found {values.get(field)!r}, expected one of {', '.join(get_args(kind))}"
    if "regex" in match["problem"]:
        return f"{field}: found {values.get(field)!r}, expected char, byte, word, bpe or bpe:SIZE"
    problem = match["problem"][0].lower() + match["problem"][1:].replace(" | null", "")
    for kind, words in (("`int`", "a whole number"), ("`float`", "a number"), ("`str`", "text"), ("`", "")):
        problem = problem.replace(kind, words)
    return f"{field.replace('_', ' ')}: found {values.get(field)!r}, {problem}"
