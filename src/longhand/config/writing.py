"""How texts are drawn from a model, what shape they have, how many there are."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from longhand.config.escaped import ESCAPED

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
        Meta(max_length=100, description="a text before which to end; may be given several times", extra=ESCAPED),
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
        Annotated[
            str,
            Meta(max_length=10_000, description="letters that do not occur, neither small nor capital", extra=ESCAPED),
        ]
        | None
    ) = None
    ban: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=1000)], ...],
        Meta(max_length=1000, description="a text that does not occur; may be given several times", extra=ESCAPED),
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
                extra=ESCAPED,
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
    new: Annotated[
        bool, Meta(description="only documents that are not in the training text; for models that learned from such")
    ] = False
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
