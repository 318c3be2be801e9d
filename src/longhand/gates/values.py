"""What the units of one layer do as a model reads a short text: plain numbers for whoever draws them, and no search.

It is what a server can answer at once. `longhand.gates.inspection` finds much more, and takes its time for it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from longhand.config import NetworkConfig, ValuesConfig
from longhand.errors import CorpusError, OptionError
from longhand.gates.inspection import GATES, HALF
from longhand.gates.memory import lifetimes
from longhand.gates.trace import Trace, read_text, refuse_windows, trace
from longhand.modelfile import ModelFile
from longhand.settings import configured
from longhand.text.progress import Told, untold
from longhand.text.tokenizer import Tokenizer

LARGEST_VALUES = 4_000  # tokens
MOST_NUMBERS = 1 << 22  # of a layer of more than 1,048 units fewer tokens are shown
DECIMALS = 3  # of a value: what is kept of it are 16 bits
BIT_DECIMALS = 4
LONGEST_HALF_LIFE = 1e6  # tokens: beyond it a forget gate in 32 bits is told from one by a few steps of its last bit


class TokenBits(msgspec.Struct, frozen=True):
    """A token: what it adds to the text, and how unexpected it was."""

    text: Annotated[str, Meta(description="what the token adds to the text")]
    bits: Annotated[float, Meta(description="how unexpected it was")]


class GateMeans(msgspec.Struct, frozen=True):
    """How far the gates of a layer are open on average, from 0 to 1."""

    input: float
    forget: float
    output: float


class GateValues(msgspec.Struct, frozen=True, kw_only=True):
    """What one layer's units do as a model reads a text. All numbers are finite.

    For `half_life` see `longhand.gates.memory.lifetimes`.
    """

    object: Literal["inspection"] = "inspection"
    model: Annotated[str, Meta(description="what the model is called")]
    layers: Annotated[int, Meta(description="how many layers it has")]
    units: Annotated[int, Meta(description="how many units each layer has")]
    layer: Annotated[int, Meta(description="the layer that is shown, from 1")]
    show: Annotated[str, Meta(description="what of its units is shown")]
    tokens: list[TokenBits]
    bits_per_character: float
    values: Annotated[list[list[float]], Meta(description="of each token a number for every unit")]
    half_life: Annotated[
        list[float | None],
        Meta(
            description="of each unit: tokens until half of what it remembers is gone; null: over a million, as good "
            "as never"
        ),
    ]
    gates: Annotated[list[GateMeans], Meta(description="of each layer: how far its gates are open on average, 0 to 1")]


def gate_values(
    file: ModelFile,
    tokenizer: Tokenizer,
    text: str,
    *,
    layer: int | None = None,
    show: str = "cell",
    name: str = "",
    tell: Told = untold,
) -> GateValues:
    """Return what the units of a layer do as a model reads a text, from the fresh state.

    - layer, show: as in `longhand.config.ValuesConfig`
    - name: what the model is called
    - tell: is told how far it is, a few hundred tokens at a time

    Raises `OptionError` for a model of the classic recipe, a layer that it does not have, and what cannot be shown;
    `CorpusError` for a text that is empty or has too many tokens; `ModelFormatError` for damaged weights.
    """
    wanted = configured(ValuesConfig, {"layer": layer, "show": show})
    refuse_windows(file)
    chosen = _layer(wanted, file.config)
    _refuse_long(len(read_text(file, tokenizer, text).tokens), file.config.hidden)
    traced = trace(file, tokenizer, text, tell)
    return GateValues(
        model=name,
        layers=file.config.layers,
        units=file.config.hidden,
        layer=chosen,
        show=wanted.show,
        tokens=_tokens(traced),
        bits_per_character=traced.bits_per_character,
        values=_rounded(getattr(traced, wanted.show)[chosen - 1], DECIMALS),
        half_life=[_half_life(life) for life in lifetimes(traced)[chosen - 1].tolist()],
        gates=_gates(traced),
    )


def _layer(wanted: ValuesConfig, network: NetworkConfig) -> int:
    """Return the number of the layer to show, from 1."""
    if wanted.layer is not None and wanted.layer > network.layers:
        layers = "layer 1 alone" if network.layers == 1 else f"1 to {network.layers}"
        raise OptionError(f"layer: found {wanted.layer}, the model has {layers}")
    return wanted.layer or network.layers


def _refuse_long(tokens: int, units: int) -> None:
    most = min(LARGEST_VALUES, max(1, MOST_NUMBERS // units))
    if tokens > most:
        raise CorpusError(
            f"the text has {tokens:,} tokens, the values of a layer of {units:,} units are shown of up to {most:,}: "
            "give a shorter one, or look at it with longhand inspect"
        )


def _tokens(traced: Trace) -> list[TokenBits]:
    bits = np.round(traced.surprise.astype(np.float64), BIT_DECIMALS).tolist()
    return [TokenBits(text, of_it) for text, of_it in zip(traced.reading.pieces, bits, strict=True)]


def _rounded(values: np.ndarray, decimals: int) -> list[list[float]]:
    """Return numbers, (tokens, units), with so many decimals, and no negative zero among them."""
    rounded: list[list[float]] = (np.round(values.astype(np.float64), decimals) + 0.0).tolist()
    return rounded


def _half_life(lifetime: float) -> float | None:
    half = HALF * lifetime
    return float(f"{half:.4g}") if half <= LONGEST_HALF_LIFE else None


def _gates(traced: Trace) -> list[GateMeans]:
    means = [traced.gate_means(gate).mean(axis=1).round(BIT_DECIMALS).tolist() for gate in GATES]
    return [GateMeans(*of_layer) for of_layer in zip(*means, strict=True)]
