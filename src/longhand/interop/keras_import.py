"""From what Keras saved to a model file."""

from __future__ import annotations

import math
from pathlib import Path

from longhand.config import NetworkConfig
from longhand.errors import ModelFormatError, OptionError
from longhand.interop import keras_arrays
from longhand.interop.apart import read_apart
from longhand.interop.keras_arrays import Lstm, padded, widened
from longhand.interop.keras_file import Saved
from longhand.modelfile import Card, ModelFile, Weights, expected_shapes
from longhand.settings import configured
from longhand.text.listed import ListedTokenizer
from longhand.text.sources import printable
from longhand.version import VERSION

WINDOW = 100  # the script's, where the file does not say
MOST_PADDING = 4  # times the weights that a file holds
PADDING_ALLOWED = 1 << 20  # weights, to any file


def import_keras(path: Path, tokenizer: ListedTokenizer, window: int | None = None) -> tuple[ModelFile, list[str]]:
    """Return the model that Keras saved, and notes on what the file did not say.

    - tokenizer: what the numbers stand for that the model was trained on
    - window: how many tokens it reads, where the file does not say; the script's 100 if None

    Raises `ModelFormatError`, naming the layer, and `OptionError` if the tokenizer or the window does not fit.
    """
    saved = read_apart(path)
    label, notes = printable(str(path)), []
    if not saved.configured:
        notes.append("the file has weights alone: tanh, sigmoid and softmax are taken for granted, as Keras's defaults")
    if saved.window is None and window is None:
        notes.append(f"the file does not say how many tokens the model reads: taken for {WINDOW}, --window says other")
    if None not in (saved.window, window) and saved.window != window:
        raise OptionError(f"window: found {window}, but the file says that the model reads {saved.window}")
    network, weights = _network(saved, tokenizer, label, saved.window or window or WINDOW)
    card = Card(longhand_version=VERSION, training={"imported": printable(path.name)})
    return ModelFile(network, tokenizer.to_record(), weights, card), notes


def _network(saved: Saved, tokenizer: ListedTokenizer, label: str, window: int) -> tuple[NetworkConfig, Weights]:
    first, below = saved.layers[0]
    last, above = saved.layers[-1]
    head, head_bias = keras_arrays.dense(above, f"{label}: layer {last.shown}")
    size = len(head_bias)
    _check_vocabulary(tokenizer, size, last.shown)
    lstms = [
        keras_arrays.lstm(layer, arrays, f"{label}: layer {layer.shown}")
        for layer, arrays in saved.layers
        if layer.kind != "Embedding" and layer is not last
    ]
    if first.kind == "Embedding":
        embedding = keras_arrays.embedding(first, below, size, label)
    else:
        embedding, lstms[0] = keras_arrays.without_embedding(lstms[0], size, label)
    _check_chain(embedding.shape[1], lstms, label)
    if head.shape[1] != lstms[-1].units:
        raise ModelFormatError(
            f"{label}: layer {last.shown} reads {head.shape[1]} numbers, the LSTM below gives {lstms[-1].units}"
        )
    network = _blueprint(size, embedding.shape[1], lstms, window, label)
    _refuse_much_padding(network, lstms, head.size, label)
    hidden = network.hidden
    weights: Weights = {"embedding.weight": embedding}
    for number, lstm in enumerate(lstms):
        inputs = lstm.inputs if number == 0 else hidden
        weights[f"layers.{number}.weight_ih"] = widened(lstm.weight_ih, hidden, inputs)
        weights[f"layers.{number}.weight_hh"] = widened(lstm.weight_hh, hidden, hidden)
        weights[f"layers.{number}.bias"] = widened(lstm.bias[:, None], hidden, 1)[:, 0]
    weights["head.weight"] = padded(head, size, hidden)
    weights["head.bias"] = head_bias
    return network, weights


def _check_vocabulary(tokenizer: ListedTokenizer, size: int, layer: str) -> None:
    if tokenizer.size == size:
        return
    raise OptionError(
        f"the vocabulary has {tokenizer.size} tokens, layer {layer} predicts {size}: the weights were trained on "
        "another one (was the text lower-cased or cleaned? then do the same to it, or give --vocabulary FILE.json)"
    )


def _check_chain(inputs: int, lstms: list[Lstm], label: str) -> None:
    for lstm in lstms:
        if lstm.inputs != inputs:
            raise ModelFormatError(
                f"{label}: layer {lstm.layer.shown} reads {lstm.inputs} numbers a step, what is below gives {inputs}"
            )
        inputs = lstm.units


def _blueprint(size: int, embedding: int, lstms: list[Lstm], window: int, label: str) -> NetworkConfig:
    fields = {
        "vocabulary_size": size,
        "embedding": embedding,
        "hidden": max(lstm.units for lstm in lstms),
        "layers": len(lstms),
        "window": window,
    }
    try:
        return configured(NetworkConfig, fields)
    except OptionError as error:
        raise ModelFormatError(f"{label}: {error}") from None


def _refuse_much_padding(network: NetworkConfig, lstms: list[Lstm], head: int, label: str) -> None:
    """Raise `ModelFormatError` if layers of one width would be many times what the file holds."""
    shapes = [shape for name, shape in expected_shapes(network).items() if name != "embedding.weight"]
    needed = sum(math.prod(shape) for shape in shapes)
    held = head + sum(lstm.weight_ih.size + lstm.weight_hh.size + lstm.bias.size for lstm in lstms)
    if needed > MOST_PADDING * held + PADDING_ALLOWED:
        raise ModelFormatError(
            f"{label}: its LSTM layers are of widths too different, up to {network.hidden}: as layers of one width "
            f"they would have {needed:,} weights for {held:,}"
        )
