"""Where training starts from.

=====================  ==========================================================================================
tensor                 initial values
=====================  ==========================================================================================
embedding.weight       normal, deviation 1; the unknown token's row zero: no information, rather than a wrong one
layers.*.weight_ih     uniform, Glorot and Bengio (2010)
layers.*.weight_hh     orthogonal for each gate, Saxe, McClelland and Ganguli (2014)
layers.*.bias          0; the forget gate's 1, Jozefowicz, Zaremba and Sutskever (2015); with a memory, see `_lasting`
head.weight            uniform, plus and minus 1 / sqrt(hidden)
head.bias              log of the token's share of the text: the first prediction is already the unigram's
=====================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Container

import numpy as np
from threadpoolctl import threadpool_limits

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.config import NetworkConfig
from longhand.modelfile import Weights, expected_shapes

PANEL = 1024  # columns of an orthogonal matrix that are made at once
OF_TOKENS = ("embedding.weight", "head.weight", "head.bias")
"""The weights that have a row for each token."""


def initial_weights(
    config: NetworkConfig,
    counts: TokenIds,
    unknown: int | None,
    random: np.random.Generator,
    names: Container[str] | None = None,
    memory: int = 0,
) -> Weights:
    """Return weights to start training from.

    - counts: how often each token occurs in the text, (vocabulary,)
    - unknown: the token that stands for what the text does not have, if there is one
    - names: which ones to make, those of the tokens among them; None for all
    - memory: tokens that the units of the layers remember from the start; 0: a few
    """
    weights: Weights = {}
    with threadpool_limits(1):  # threads that wait for each other beside other programs: a minute for a second's work
        for name, shape in expected_shapes(config).items():
            if names is None or name in names:
                weights[name] = _initial(name, shape, config, random)
                if memory and name.endswith(".bias") and name.startswith("layers."):
                    weights[name] = _lasting(config.hidden, memory).astype(np.float32)
    if unknown is not None:
        weights["embedding.weight"][unknown] = 0
    weights["head.bias"] = np.log((counts + 0.5) / (counts.sum() + 0.5 * len(counts))).astype(np.float32)
    return weights


def keras_weights(config: NetworkConfig, random: np.random.Generator) -> Weights:
    """Return weights to start training from as Keras's layers make them.

    Uniform (Glorot and Bengio, 2010) for kernels; one orthogonal matrix for all gates of a layer, not one for each;
    biases 0, the forget gate's 1; embeddings uniform within 0.05.
    """
    weights: Weights = {}
    with threadpool_limits(1):
        for name, shape in expected_shapes(config).items():
            if name == "embedding.weight":
                values = random.uniform(-0.05, 0.05, shape)
            elif name.endswith(".weight_hh"):
                values = _orthogonal(shape, random)
            elif name.endswith(".bias"):
                values = np.zeros(shape) if name == "head.bias" else _lstm_bias(config.hidden)
            else:
                values = _glorot(shape, random)
            weights[name] = values.astype(np.float32)
    return weights


def _initial(name: str, shape: tuple[int, ...], config: NetworkConfig, random: np.random.Generator) -> FloatArray:
    hidden = config.hidden
    if name == "embedding.weight":
        values = random.standard_normal(shape)
    elif name.endswith(".weight_ih"):
        values = _glorot(shape, random)
    elif name.endswith(".weight_hh"):
        values = np.concatenate([_orthogonal((hidden, hidden), random) for _ in range(4)])
    elif name.startswith("layers."):
        values = _lstm_bias(hidden)
    else:
        limit = 1 / np.sqrt(hidden)
        values = random.uniform(-limit, limit, shape)
    return values.astype(np.float32)


def _glorot(shape: tuple[int, ...], random: np.random.Generator) -> DoubleArray:
    limit = np.sqrt(6 / (shape[0] + shape[1]))
    return random.uniform(-limit, limit, shape)


def _lstm_bias(hidden: int) -> DoubleArray:
    bias = np.zeros(4 * hidden)
    bias[hidden : 2 * hidden] = 1  # the forget gate's
    return bias


def _lasting(hidden: int, memory: int) -> DoubleArray:
    """Return biases with which the units remember for one token up to `memory`, evenly spread on a logarithmic scale.

    A forget gate's bias of log(t) lets the cell fall to a third in about t tokens; the input gate's is as much below
    zero, so that what comes in each time does not flood what is kept. The "chrono initialization" of Tallec and
    Ollivier ("Can recurrent neural networks warp time?", 2018), who draw t itself evenly: here most are for the near.
    """
    bias = np.zeros(4 * hidden)
    times = np.linspace(0, np.log(max(memory, 1)), hidden)
    bias[:hidden], bias[hidden : 2 * hidden] = -times, times
    return bias


def _orthogonal(shape: tuple[int, ...], random: np.random.Generator) -> DoubleArray:
    """Return a matrix of at least as many rows as columns whose columns are orthonormal.

    Its columns are made `PANEL` at a time, each panel orthogonal to those before it (block Gram-Schmidt, done twice
    against rounding), so that Ctrl-C does not have to wait for one factorization of a very large matrix.
    """
    normal = random.standard_normal(shape)
    for begin in range(0, shape[1], PANEL):
        done, panel = normal[:, :begin], normal[:, begin : begin + PANEL]
        for _ in range(2 if begin else 0):
            panel -= done @ (done.T @ panel)
        q, r = np.linalg.qr(panel)
        panel[:] = q * np.sign(np.diagonal(r))  # makes the draw uniform over rotations
    return normal
