"""Settings that come from outside: checked, with the defaults of their recipe, and what follows from them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from encodings.aliases import aliases
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from longhand.config import (
    CHANGEABLE,
    CLASSIC,
    DETECT,
    ESCAPED,
    FEWEST_SUBWORDS,
    LENGTH,
    LONGEST_DOCUMENT,
    OF_DEFAULT,
    OPTION_NAMES,
    PLANNED,
    SEPARATORS,
    SUBWORDS,
    TEMPERATURE,
    TEMPERATURE_OF_DOCUMENTS,
    NetworkConfig,
    SamplingConfig,
    TrainConfig,
)
from longhand.errors import OptionError
from longhand.units import WORD_KINDS, WantedKind

HOW = ("greedy", "top_k", "top_p", "min_p", "typical")  # settings beside the temperature that say how to draw
OF_NAMES_AND_CODE = ("unicode-escape", "raw-unicode-escape", "idna", "punycode")  # which texts are not written in

KINDS = {"int": "a whole number", "float": "a number", "str": "text", "array": "a list", "bool": "true or false"}

NOT_CLASSIC = (*OF_DEFAULT, "documents", "document_start", "vocabulary", "min_count", "unknown", "split", "validation")

Settings = TypeVar("Settings", bound=msgspec.Struct)


def train_config(values: Mapping[str, object]) -> TrainConfig:
    """Build a `TrainConfig` from the values that were given; what was not has its recipe's default.

    Raises `OptionError` as `configured` does, and where values do not go together.
    """
    config = configured(TrainConfig, values)
    _refuse_idle(config, values)
    _refuse_unknown_encoding(config.encoding)
    _refuse_long_separator(config.separator)
    if config.recipe == "default":
        if config.base == "":
            raise OptionError("from: found '', expected the name of a model to start from")
        if config.base is not None and config.memory:
            raise OptionError("memory: found with --from, whose layers remember already: leave one of them out")
        if config.validation and (others := [name for name in ("held_out", "split") if name in values]):
            name = others[0].replace("_", " ")
            raise OptionError(f"{name}: found with --validation, which is scored instead: leave one of them out")
        if config.held_out == 0:
            raise OptionError(
                "held out: found 0, the default recipe keeps the model that scores best on what it holds out"
            )
        return config
    if config.tokens not in ("char", "word"):
        raise OptionError(f"tokens: found {config.tokens!r}, the classic recipe reads char or word")
    if config.base is not None:
        raise OptionError("from: the classic recipe starts from no model: leave --from out, or --recipe classic")
    if others := [name for name in NOT_CLASSIC if name in values]:
        raise OptionError(f"{others[0]}: of the default recipe alone; leave it out, or --recipe classic")
    by_minutes = "minutes" in values and values.get("epochs") is None
    defaults = {name: value for name, value in CLASSIC.items() if not (name == "epochs" and by_minutes)}
    return configured(TrainConfig, {**defaults, **values})


def token_kind(config: TrainConfig) -> tuple[WantedKind, int]:
    """Return what a token is to be, and how many different words or parts of words there may be."""
    kind, _, size = config.tokens.partition(":")
    return cast("WantedKind", kind), config.vocabulary if kind in WORD_KINDS else int(size or SUBWORDS)


def _refuse_idle(config: TrainConfig, values: Mapping[str, object]) -> None:
    """Refuse settings of tokens that do not go together."""
    kind, size = token_kind(config)
    for name in ("vocabulary", "min_count", "unknown"):
        if values.get(name) is not None and kind not in WORD_KINDS:
            raise OptionError(f"{name.replace('_', ' ')}: of words alone, found tokens {kind}: add --tokens word")
    if kind == "bpe" and size < FEWEST_SUBWORDS:
        raise OptionError(
            f"tokens: found {config.tokens}, expected at least bpe:{FEWEST_SUBWORDS}: there are 256 bytes"
        )
    if config.document_start is not None and config.documents != "none":
        raise OptionError("document start: found with --documents, expected one of them: leave one out")
    if config.document_start is not None and "\n" in config.document_start:
        raise OptionError(f"document start: found {config.document_start!r}, expected what one line begins with")
    if "\n" in (config.document_start or ""):
        raise OptionError("document start: found a line end in it, expected what one line begins with")
    if config.documents == "row" and config.column is None:
        raise OptionError("documents: found row, but no column that has rows: add --column NAME, or take line or file")


def refuse_without_column(config: TrainConfig) -> None:
    """Raise `OptionError` for settings of rows where no column is read, so that a text has none."""
    for name in ("separator", "skip_bad_rows"):
        if config.column is None and getattr(config, name):
            raise OptionError(f"{name.replace('_', ' ')}: of rows alone, found no column to read: add --column NAME")


def _refuse_long_separator(name: str | None) -> None:
    character = SEPARATORS.get(name or "", name)
    if character is not None and (len(character) != 1 or character in '"\n\r' or character.isalnum()):
        raise OptionError(
            f"separator: found {name!r}, expected {', '.join(n for n in SEPARATORS if n.isalpha())}, or one character "
            "that is no letter, digit or quotation mark"
        )


def _refuse_unknown_encoding(name: str) -> None:
    if name == DETECT or _is_encoding(name):
        return
    from difflib import get_close_matches

    known = sorted({one.replace("_", "-") for pair in aliases.items() for one in pair})
    close = list(filter(_is_encoding, get_close_matches(name.lower().replace("_", "-"), known, n=9)))[:3]
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    raise OptionError(
        f"encoding: found {name!r}, expected one that Python knows, such as windows-1252 or gb18030, or {DETECT}{hint}"
    )


def _is_encoding(name: str) -> bool:
    """Whether Python knows an encoding of text by this name, and can decode it as it comes."""
    try:
        "a".encode(name)
        found = codecs.lookup(name)
        return found.incrementaldecoder is not None and found.name not in OF_NAMES_AND_CODE
    except (LookupError, ValueError):  # no such name, one of what is no text, or no name at all
        return False


def free_settings(config: TrainConfig, values: Mapping[str, object]) -> frozenset[str]:
    """Return the settings that a plan may choose: those of the default recipe that `values` does not give."""
    return frozenset() if config.recipe == "classic" else frozenset(PLANNED) - values.keys()


def resumed_settings(saved: TrainConfig, values: Mapping[str, object]) -> TrainConfig:
    """Return the settings of a training that goes on: those it began with, but for what may change on the way.

    Tokens that are left to the text stay those that were decided on when it began.

    Raises `OptionError` as `configured` does, and for another value of a setting that has to stay.
    """
    before = msgspec.to_builtins(saved)
    values = {name: value for name, value in values.items() if (name, value) != ("tokens", "auto")}
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


def sampling_for(
    network: NetworkConfig, values: Mapping[str, object], tuned: Mapping[str, float] | None = None
) -> SamplingConfig:
    """Build a `SamplingConfig`, with the temperature that `network` is drawn from where none was given.

    A single stop string need not be in a list.

    - tuned: what is drawn with where nothing is said of how

    Raises `OptionError` as `configured` does.
    """
    values = {
        name: (value,) if name in ("stop", "ban") and isinstance(value, str) else value
        for name, value in values.items()
    }
    if tuned and not any(values.get(name) for name in HOW) and values.get("temperature") is None:
        values = {**tuned, **values}
    sampling = configured(SamplingConfig, values)
    _refuse_surrogates(sampling)
    if sampling.temperature is not None:
        return sampling
    usual = TEMPERATURE_OF_DOCUMENTS if network.documents else TEMPERATURE
    return msgspec.structs.replace(sampling, temperature=usual if network.window is None else 0.0)


def _refuse_surrogates(sampling: SamplingConfig) -> None:
    """Raise `OptionError` for texts with lone surrogates, as bytes become on a command line that are no UTF-8."""
    for name in ("stop", "ban", "pattern", "acrostic", "without", "logit_bias"):
        value = getattr(sampling, name)
        for text in value if isinstance(value, tuple | dict) else (value,):
            if isinstance(text, str) and not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
                raise OptionError(f"{name.replace('_', ' ')}: found {text!r}, expected characters, in UTF-8")


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
    for meta in _metas(settings, field):
        if meta.description:
            return meta.description
    raise AssertionError(f"{settings.__name__}.{field} has no description")


def is_escaped(settings: type[msgspec.Struct], field: str) -> bool:
    """Return whether escapes are understood in a field's text where the command line gives it."""
    return any(meta.extra == ESCAPED for meta in _metas(settings, field))


def _metas(settings: type[msgspec.Struct], field: str) -> Iterator[Meta]:
    for part in _parts(_hints(settings)[field]):
        yield from (meta for meta in getattr(part, "__metadata__", ()) if isinstance(meta, Meta))


@cache  # of a whole class at once: they are asked for field by field, for every option of the command line
def _hints(settings: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the types of all fields, with their `Meta`."""
    return get_type_hints(settings, include_extras=True)


def _parts(hint: Any) -> tuple[Any, ...]:
    return (hint, *get_args(hint))


def _explained(message: str, settings: type[msgspec.Struct], values: Mapping[str, object]) -> str:
    """Turn msgspec's "Expected `float` >= 0.0 - at `$.temperature`" into what was found and expected, for a person."""
    if unknown := sorted(set(values) - set(settings.__struct_fields__)):
        return f"found the option {unknown[0]!r}, expected some of {', '.join(settings.__struct_fields__)}"
    match = re.fullmatch(r"(?P<problem>.*) - at `(?:key in )?\$\.(?P<field>\w+)(?:\[.*\])?`", message)
    if match is None:
        return message
    field = match["field"]
    kind = next((part for part in _parts(get_type_hints(settings)[field]) if get_origin(part) is Literal), None)
    if kind is not None and "enum" in match["problem"]:
        return f"{field.replace('_', ' ')}: found {values.get(field)!r}, expected one of {', '.join(get_args(kind))}"
    if "regex" in match["problem"]:
        return f"{field}: found {values.get(field)!r}, expected char, byte, word, whitespace, bpe, bpe:SIZE or auto"
    return f"{field.replace('_', ' ')}: found {values.get(field)!r}, {in_words(match['problem'])}"


def in_words(problem: str) -> str:
    """Return what msgspec says of a value in a person's words: "Expected `int | null`" is "expected a whole number"."""

    def kinds(found: re.Match[str]) -> str:
        return " or ".join(KINDS.get(kind, kind) for kind in found[1].split(" | ") if kind != "null")

    return re.sub("`([^`]*)`", kinds, problem[0].lower() + problem[1:])
