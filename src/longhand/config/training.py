"""What a network is, and how a model is trained."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from longhand.config.escaped import ESCAPED
from longhand.units import HeldOutFrom, NormalForm

FEWEST_SUBWORDS = 257  # all bytes, and the start of a text
SUBWORDS = 4096  # tokens of byte-pair encoding, where no number is given
TOKENS = re.compile(r"^(auto|char|byte|word|whitespace|bpe(:[1-9][0-9]{2,6})?)\Z")


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
            description="what is read and written at a time: char, byte, word, whitespace (what lies between spaces), "
            "bpe or bpe:SIZE (parts of words), or auto: what suits the text",
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
            description="what to treat as a separate document: line, blank (what blank lines part), file, row (with "
            "--column), none, or any text that stands between documents",
            extra=ESCAPED,
        ),
    ] = "none"
    document_start: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=100,
                description="what every document begins with, at the beginning of a line, such as 'X:' or '[Event '",
            ),
        ]
        | None
    ) = None
    column: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=1000,
                description="column of tables (or key of JSON) to read: a name, message.text for keys within keys, or "
                "a number from 1",
            ),
        ]
        | None
    ) = None
    separator: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=9,
                description="what separates the columns: comma, tab, semicolon, bar or another character "
                "[default: found for each file]",
            ),
        ]
        | None
    ) = None
    skip_bad_rows: Annotated[
        bool, Meta(description="leave out rows that cannot be read, and list them, in place of stopping at the first")
    ] = False
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
    fix_mojibake: Annotated[
        bool, Meta(description='repair text such as "CafÃ©" (UTF-8 that was read as Latin-1 or Windows-1252)')
    ] = False
    keep_markup: Annotated[
        bool, Meta(description="learn HTML and RTF files with their tags, in place of taking the text out of them")
    ] = False
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
    memory: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="tokens that the units remember before they have learned anything: from one up to this many; "
            "0: a few, as usual",
        ),
    ] = 0
    held_out: Annotated[
        float, Meta(ge=0, le=0.5, description="share of the text that is only scored and never learned from")
    ] = 0.1
    split: Annotated[
        HeldOutFrom,
        Meta(
            description="what is held out: documents from all over the text, or its end; of running text always its end"
        ),
    ] = "documents"
    validation: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(description="file that the model is scored on, in place of a share of the text; may be given again"),
    ] = ()
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


CLASSIC: dict[str, int | float | str] = {
    "epochs": 20,
    "embedding": 0,
    "dropout": 0.2,
    "batch": 128,
    "window": 100,
    "learning_rate": 1e-3,
    "held_out": 0.0,
    "split": "end",
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

OF_DEFAULT = ("chapter", "weight_decay", "anneal", "memory")
"""Settings that the classic recipe does not have."""

OPTION_NAMES = {"learning_rate": "lr", "base": "from"}
"""Settings whose option on the command line has another name."""

DETECT = "detect"
"""The encoding that stands for what a file looks like."""

OF_FILES = ("column", "separator", "skip_bad_rows", "encoding", "normalize", "fix_mojibake", "keep_markup")
"""Settings that say how files are read, whatever is done with their text."""

READING = ("documents", "document_start", *OF_FILES)
"""Settings that say how a text is read, of a training and of a check."""

SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|", "\\t": "\t"}
"""Names of characters that separate the columns of tables."""

CHANGEABLE = ("minutes", "epochs", "threads", "device", "checkpoint_every")
"""Settings that a training may go on with another value of."""
