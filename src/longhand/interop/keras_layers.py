"""The layers that a Keras model may have to become one of ours, checked against the model's own configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from longhand.errors import ModelFormatError
from longhand.json_data import decode_json

UNDERSTOOD = "Longhand reads Sequential models of Embedding, LSTM, Dropout and Dense(softmax)"
LONGEST_SHOWN = 100  # characters of a name, in a message
MOST_LAYERS = 300
PASSED_OVER = ("InputLayer", "Dropout", "SpatialDropout1D")
WITH_ARRAYS = ("Embedding", "LSTM", "CuDNNLSTM", "Dense")
MUST_BE: dict[str, dict[str, str | bool]] = {
    "LSTM": {
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        **dict.fromkeys(("stateful", "go_backwards", "return_state", "time_major"), False),
    },
    "CuDNNLSTM": dict.fromkeys(("stateful", "go_backwards", "return_state"), False),
    "Embedding": {"mask_zero": False},
}
"""What settings must be where they are stated. A `hard_sigmoid`, say, is another network."""


@dataclass(frozen=True)
class Layer:
    """A layer of a Keras model: its class, its name, and whether it is known to give its whole sequence."""

    kind: str
    name: str
    sequences: bool | None = None

    @property
    def shown(self) -> str:
        """The name for a message: quoted, and not endless."""
        return repr(self.name[:LONGEST_SHOWN])


@dataclass(frozen=True)
class Architecture:
    """What a model's configuration says: the layers that have arrays, in order, and the window if it is fixed."""

    layers: list[Layer]
    window: int | None


def architecture(text: str, label: str) -> Architecture:
    """Read a Keras configuration, as JSON, of any version from 2 on.

    Raises `ModelFormatError` that names the layer, or what else is not understood.
    """
    try:
        config = decode_json(text)
    except ValueError as error:
        raise ModelFormatError(f"{label}: its configuration is damaged ({error})") from None
    records = _records(config, label)
    layers: list[Layer] = []
    window, closed = None, False
    for number, record in enumerate(records):
        kind, settings = _layer(record, f"{label}: layer {number}")
        name = str(settings.get("name", f"{kind} {number}"))
        place = f"{label}: layer {name[:LONGEST_SHOWN]!r}"
        window = window or _window(kind, settings)
        if closed and kind not in PASSED_OVER:
            _refuse(place, f"a {kind} after the softmax")
        if kind in ("Activation", "Softmax"):
            closed = _ends_with_softmax(layers, kind, settings, place)
        elif kind in WITH_ARRAYS:
            _check(kind, settings, place)
            layers.append(Layer(kind, name, settings.get("return_sequences") if "LSTM" in kind else None))
            closed = kind == "Dense" and settings.get("activation") == "softmax"
        elif kind not in PASSED_OVER:
            _refuse(place, f"of class {kind}")
    if not closed:
        raise ModelFormatError(f"{label}: no softmax at its end; {UNDERSTOOD}")
    check_order(layers, label)
    return Architecture(layers, window)


def check_order(layers: list[Layer], label: str) -> None:
    """Raise `ModelFormatError` unless there is at most one Embedding, then LSTMs, then one Dense."""
    kinds = [layer.kind.removeprefix("CuDNN") for layer in layers]
    lstms = kinds.count("LSTM")
    if lstms == 0 or kinds not in (["LSTM"] * lstms + ["Dense"], ["Embedding"] + ["LSTM"] * lstms + ["Dense"]):
        found = ", ".join(kinds[:12]) or "none"
        raise ModelFormatError(f"{label}: its layers with weights are {found}; {UNDERSTOOD}, in that order")
    for layer in layers:
        if layer.sequences is False and layer is not layers[-2]:
            raise ModelFormatError(
                f"{label}: layer {layer.shown} gives its last output only, and another LSTM reads it"
            )


def _records(config: Any, label: str) -> list[Any]:
    kind = config.get("class_name") if isinstance(config, dict) else None
    if kind != "Sequential":
        raise ModelFormatError(f"{label}: a model of class {str(kind)[:60]!r}, expected 'Sequential'; {UNDERSTOOD}")
    inner = config.get("config")
    records = inner.get("layers") if isinstance(inner, dict) else inner  # before Keras 2.2.3 it was the list itself
    if not isinstance(records, list):
        raise ModelFormatError(f"{label}: its configuration lists no layers")
    if len(records) > MOST_LAYERS:
        raise ModelFormatError(f"{label}: {len(records)} layers, expected at most {MOST_LAYERS}")
    return records


def _layer(record: Any, place: str) -> tuple[str, Mapping[str, Any]]:
    kind = record.get("class_name") if isinstance(record, dict) else None
    settings = record.get("config") if isinstance(record, dict) else None
    if not isinstance(kind, str) or not isinstance(settings, dict):
        raise ModelFormatError(f"{place}: its configuration is damaged")
    return kind[:60], settings


def _check(kind: str, settings: Mapping[str, Any], place: str) -> None:
    for name, expected in MUST_BE.get(kind, {}).items():
        if (found := settings.get(name, expected)) != expected:
            _refuse(place, f"with {name} {_shown(found)}, expected {_shown(expected)}")
    if kind == "Dense" and (found := settings.get("activation")) not in ("softmax", "linear"):
        _refuse(place, f"with activation {_shown(found)}, expected 'softmax'")


def _ends_with_softmax(layers: list[Layer], kind: str, settings: Mapping[str, Any], place: str) -> bool:
    if kind == "Activation" and (found := settings.get("activation")) != "softmax":
        _refuse(place, f"with activation {_shown(found)}, expected 'softmax'")
    if not layers or layers[-1].kind != "Dense":
        _refuse(place, "a softmax that does not follow a Dense layer")
    return True


def _window(kind: str, settings: Mapping[str, Any]) -> int | None:
    """Return how many steps a layer says that the model reads, if it says so."""
    for name in ("batch_shape", "batch_input_shape"):
        shape = settings.get(name)
        if isinstance(shape, list) and len(shape) > 1 and isinstance(shape[1], int) and shape[1] > 0:
            return shape[1]
    length = settings.get("input_length") if kind == "Embedding" else None
    return length if isinstance(length, int) and length > 0 else None


def _shown(value: Any) -> str:
    return repr(value)[:60]


def _refuse(place: str, problem: str) -> NoReturn:
    raise ModelFormatError(f"{place} is {problem}; {UNDERSTOOD}")
