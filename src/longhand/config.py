"""The settings: each field's type, range, default and description, stated once.

The command line takes its options' defaults and help from here, the Python API its keywords, and the model file
its `config` record. Values that come from outside go through `longhand.settings`, which checks them.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from longhand.units import NormalForm

FEWEST_SUBWORDS = 257  # all bytes, and the start of a text
SUBWORDS = 4096  # tokens of byte-pair encoding, where no number is given
TOKENS = re.compile(r"^(auto|char|byte|word|bpe(:[1-9][0-9]{2,6})?)\Z")


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
            description="what is read and written at a time: char, byte, word, bpe or bpe:SIZE (parts of words), or "
            "auto: what suits the text",
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
            description="what begins anew and comes to an end: line, blank (what blank lines part), file, row (with "
            "--column), none, or any text that stands between documents",
        ),
    ] = "none"
    column: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=1000,
                description="what alone is read of .csv, .tsv and .jsonl files: a column's name, or its number from 1 "
                "where there is no header, or a key",
            ),
        ]
        | None
    ) = None
    encoding: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="of the files, by a name that Python knows (windows-1251, gb18030, utf-16), or detect: found "
            "for each of them, and said",
        ),
    ] = "utf-8"
    normalize: Annotated[NormalForm, Meta(description="Unicode's normal form that the text is brought into")] | None = (
        None
    )
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
    weight_decay: Annotated[
        float,
        Meta(ge=0, le=100, description="share of every weight that is taken off at each step, times the learning rate"),
    ] = 0.01
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

PLANNED = (
    "hidden",
    "layers",
    "embedding",
    "dropout",
    "batch",
    "window",
    "chapter",
    "learning_rate",
    "weight_decay",
    "anneal",
)
"""Settings of the default recipe that a plan chooses where they are not given (`longhand.training.plan`)."""

OF_DEFAULT = ("chapter", "weight_decay", "anneal")
"""Settings that the classic recipe does not have."""

OPTION_NAMES = {"learning_rate": "lr", "base": "from"}
"""Settings whose option on the command line has another name."""

DETECT = "detect"
"""The encoding that stands for what a file looks like."""

READING = ("documents", "column", "encoding", "normalize")
"""Settings that say how a text is read, of a training and of a check."""

CHANGEABLE = ("minutes", "epochs", "threads", "device", "checkpoint_every")
"""Settings that a training may go on with another value of."""

TEMPERATURE = 0.8
"""What texts are drawn with where nothing else is said, but for models that read a window: those write greedily."""

TEMPERATURE_OF_DOCUMENTS = 1.0
"""What documents are drawn with: of names drawn with less, most are those that were learned."""

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
    length_in: Annotated[
        Literal["tokens", "characters"],
        Meta(
            description="what --length counts: tokens (characters, for most models) or characters, whatever a token is"
        ),
    ] = "tokens"
    stop: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=1000)], ...],
        Meta(max_length=100, description="a text before which to end; may be given several times"),
    ] = ()
    until: (
        Annotated[
            Literal["sentence", "line", "document"],
            Meta(description="end where the first sentence, line or document ends"),
        ]
        | None
    ) = None
    documents: (
        Annotated[int, Meta(ge=1, le=2**53, description="documents to write; for models that learned from such")] | None
    ) = None
    pattern: (
        Annotated[
            str,
            Meta(max_length=10_000, description="a regular expression, as Python's, that all of the text matches"),
        ]
        | None
    ) = None
    lines: Annotated[int, Meta(ge=1, le=10_000, description="lines that the text has, none of them empty")] | None = (
        None
    )
    line_length: Annotated[str, Meta(description="characters that every line has, as 30-60 (or 40, or 20-)")] | None = (
        None
    )
    acrostic: (
        Annotated[str, Meta(max_length=10_000, description="a word whose letters the lines begin with")] | None
    ) = None
    without: (
        Annotated[str, Meta(max_length=10_000, description="letters that do not occur, neither small nor capital")]
        | None
    ) = None
    ban: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=1000)], ...],
        Meta(max_length=1000, description="a text that does not occur; may be given several times"),
    ] = ()
    temperature: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=1000,
                description=f"below 1 safer, above 1 wilder, 0 as --greedy [default: {TEMPERATURE}; "
                f"models of documents: {TEMPERATURE_OF_DOCUMENTS:g}; classic models: 0]",
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
            Meta(ge=0, le=1, description="draw from the fewest characters whose probabilities add up to this"),
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
    typical: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=1,
                description="draw from the fewest characters that add up to this, those first that are about as "
                "surprising as is to be expected",
            ),
        ]
        | None
    ) = None
    temperature_end: (
        Annotated[
            float,
            Meta(ge=0, le=1000, description="the temperature at the end of --length, reached little by little"),
        ]
        | None
    ) = None
    repetition_penalty: Annotated[
        float,
        Meta(ge=0.01, le=100, description="above 1: characters that were just written become less likely, by division"),
    ] = 1.0
    frequency_penalty: Annotated[
        float,
        Meta(ge=-100, le=100, description="above 0: less likely, by subtraction, for each time that they were written"),
    ] = 0.0
    presence_penalty: Annotated[
        float, Meta(ge=-100, le=100, description="above 0: less likely, by subtraction, if they were written")
    ] = 0.0
    penalty_window: Annotated[int, Meta(ge=1, le=65_536, description="characters that penalties look back at")] = 64
    logit_bias: (
        Annotated[
            dict[int | str, Annotated[float, Meta(ge=-1000, le=1000)]],
            Meta(
                max_length=100_000,
                description="TOKEN=NUMBER, what is added to the logit of a character (or what the model's tokens are); "
                "may be given several times",
            ),
        ]
        | None
    ) = None
    max_copy: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=100_000,
                description="no run of more characters that the text learned from has too; give that once, with "
                "--corpus (extra: copies)",
            ),
        ]
        | None
    ) = None
    seed: (
        Annotated[int, Meta(ge=0, le=2**63 - 1, description="same seed, same text; drawn and reported if left out")]
        | None
    ) = None


class ManyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many texts are written, and which of them."""

    count: Annotated[
        int, Meta(ge=1, le=1_000_000, description="texts to write; the second has --seed + 1, and so on")
    ] = 1
    unique: Annotated[bool, Meta(description="no text twice")] = False
    best_of: Annotated[
        int, Meta(ge=1, le=10_000, description="of so many, the text that the model finds most probable, a token")
    ] = 1
    beam: Annotated[
        int,
        Meta(ge=0, le=1000, description="look for the most probable text with a beam of this width, without chance"),
    ] = 0
    length_penalty: Annotated[
        float, Meta(ge=-10, le=10, description="with --beam: 0 prefers short texts, 1 is fair to all")
    ] = 1.0


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
