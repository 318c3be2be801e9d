"""Writing with ONNX Runtime: the network as a graph of Gather, LSTM and Gemm, run once a token from Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from longhand.arrays import FloatArray, TokenIds
from longhand.benchmark.cases import Case
from longhand.config import NetworkConfig
from longhand.modelfile import Weights

OPSET, IR_VERSION = 17, 8  # old enough for every ONNX Runtime that is about


class OnnxLoop:
    """See `longhand.benchmark.contestants.Loop`."""

    def __init__(self, case: Case, weights: Weights, threads: int, temperature: float) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        graph = network(case.config, weights, case.streams).SerializeToString()
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._threads, self._temperature = threads, np.float32(temperature)
        fresh = np.zeros((1, case.streams, case.hidden), np.float32)
        names = [f"{part}{layer}" for layer in range(case.layers) for part in ("h", "c")]
        self._state = dict.fromkeys(names, fresh)
        self._last: TokenIds = np.zeros(case.streams, np.int64)
        self._random = np.random.default_rng(0)

    def run(self, steps: int) -> int:
        """Draw `steps` more tokens for every stream."""
        for _ in range(steps):
            logits = self.step(self._last)
            shares = np.exp((logits - logits.max(1, keepdims=True)) / self._temperature).cumsum(1)
            chances = self._random.random((len(shares), 1), np.float32) * shares[:, -1:]
            self._last = (shares > chances).argmax(1)
        return steps

    def threads(self, steps: int) -> int:  # noqa: ARG002 (others' choice depends on it)
        """Return how many threads that takes."""
        return self._threads

    def step(self, tokens: TokenIds) -> FloatArray:
        """Read a token a stream, (streams,), and return the logits of the next, (streams, vocabulary)."""
        logits, *states = self._session.run(None, {"tokens": tokens, **self._state})
        self._state = dict(zip(self._state, states, strict=True))
        result: FloatArray = logits
        return result


def network(config: NetworkConfig, weights: Weights, streams: int) -> onnx.ModelProto:
    """Return a graph of one step: tokens, h0, c0, h1 ... to logits and the new h0, c0, h1 ..."""
    constants, nodes = [], []
    inputs = [helper.make_tensor_value_info("tokens", TensorProto.INT64, [streams])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [streams, config.vocabulary_size])]

    def constant(name: str, array: np.ndarray[Any, Any]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    nodes.append(helper.make_node("Unsqueeze", ["tokens", constant("first", np.zeros(1, np.int64))], ["row"]))
    nodes.append(helper.make_node("Gather", [constant("embedding", weights["embedding.weight"]), "row"], ["x0"]))
    for layer in range(config.layers):
        matrices = [
            constant(f"{name}{layer}", _reordered(weights[f"layers.{layer}.{name}"])[None])
            for name in ("weight_ih", "weight_hh")
        ]
        bias = _reordered(weights[f"layers.{layer}.bias"])
        both = constant(f"bias{layer}", np.concatenate([bias, np.zeros_like(bias)])[None])
        given, new = (f"h{layer}", f"c{layer}"), (f"new_h{layer}", f"new_c{layer}")
        nodes.append(
            helper.make_node("LSTM", [f"x{layer}", *matrices, both, "", *given], ["", *new], hidden_size=config.hidden)
        )
        nodes.append(helper.make_node("Identity", [new[0]], [f"x{layer + 1}"]))
        shape = [1, streams, config.hidden]
        inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in given]
        outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in new]
    nodes.append(helper.make_node("Squeeze", [f"x{config.layers}", "first"], ["last"]))
    head = ["last", constant("head", weights["head.weight"]), constant("head_bias", weights["head.bias"])]
    nodes.append(helper.make_node("Gemm", head, ["logits"], transB=1))
    graph = helper.make_graph(nodes, "longhand", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _reordered(rows: FloatArray) -> FloatArray:
    """Return rows of the gates i, f, g, o in ONNX's order: i, o, f, g."""
    i, f, g, o = np.split(rows, 4)
    return np.concatenate([i, o, f, g])
