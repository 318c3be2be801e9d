"""The engine in torch: the only module of Longhand that imports it.

One-layer `nn.LSTM` modules with explicit dropout between them: their oneDNN and cuDNN kernels are near the hardware's
limit, and the built-in dropout between layers is neither reproducible on CUDA nor right on Apple's GPUs. torch keeps
two biases a layer, of which only the sum matters: the second one stays zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from itertools import pairwise
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from longhand.arrays import FloatArray, TokenIds
from longhand.config import NetworkConfig
from longhand.errors import OptionError
from longhand.modelfile import Weights
from longhand.state import State
from longhand.training.engine import MOMENTS, DivergenceError, Update, restored
from longhand.training.saved import Saved

HELD_AT_ONCE = 1 << 21  # numbers of one kind of activation, of which there are about ten


Method = TypeVar("Method", bound=Callable[..., Any])


def _memory_errors(method: Method) -> Method:
    """Let `method` raise `MemoryError` where torch's allocators, each in its own way, say that there is no memory."""

    @wraps(method)
    def checked(*arguments: Any) -> Any:
        try:
            return method(*arguments)
        except torch.OutOfMemoryError as error:
            raise MemoryError("on the GPU") from error
        except RuntimeError as error:
            if "allocate memory" not in str(error):
                raise
            raise MemoryError("for a step") from error

    return cast("Method", checked)


class TorchEngine:
    """Trains a network; see `longhand.training.engine.Engine`.

    - weights: where to start from, as in a model file; copied
    - update: how they move
    - dropout: share of the numbers that the LSTM layers give left out at each step
    - fixed_embedding: the embedding is no weight but part of the blueprint, as the classic recipe's scalar input is
    - start: the token before which a stream's state is cleared, wherever it stands; None if there is none
    - device: "auto", "cpu", "cuda" or "mps"; on CUDA it learns with products in bfloat16 where the GPU has them, and
      scores with whole 32-bit floats
    - threads: processor threads for all of torch in this process; None leaves torch's choice
    - seed: where the dropout's chance starts; each step has its own, so that none has to be remembered
    """

    def __init__(
        self,
        config: NetworkConfig,
        weights: Weights,
        *,
        update: Update,
        dropout: float,
        fixed_embedding: bool = False,
        start: int | None = None,
        device: str = "auto",
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        self._config, self._update, self._steps = config, update, 0
        self._device = _device(device)
        if threads is not None:
            torch.set_num_threads(threads)
        self._seed = seed
        self._network = _Network(config, dropout, start)
        self._network.load_state_dict(_to_torch(weights))
        self._network.embedding.weight.requires_grad_(not fixed_embedding)
        self._network.to(self._device)
        self._learning = [weight for weight in self._network.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._learning,
            betas=update.betas,
            eps=update.epsilon,
            weight_decay=update.weight_decay,
            fused=self._device.type != "mps",
        )
        self._on_device = self._device.type == "cuda"  # where a fused optimiser counts its steps
        self._autocast = _autocast(self._device)

    @_memory_errors
    def step(self, inputs: TokenIds, targets: TokenIds, state: State, learning_rate: float) -> tuple[float, State]:
        """Learn from one window of all streams; see `Engine.step`."""
        self._network.train()
        self._steps += 1
        torch.manual_seed((self._seed << 32) + self._steps & 2**63 - 1)
        for group in self._optimizer.param_groups:
            group["lr"], group["eps"] = learning_rate, self._update.epsilon_after(self._steps)
        self._optimizer.zero_grad()
        loss, after = 0.0, []
        for streams in _groups(inputs, state):
            part = State(state.hidden[:, streams], state.cell[:, streams])
            with self._autocast:
                losses, state_after = self._losses(inputs[:, streams], targets[:, streams], part)
            share = losses.sum() / targets.size
            share.backward()  # type: ignore[no-untyped-call]
            loss += share.item()
            after.append(state_after)
        longest = math.inf if self._update.gradient_norm is None else self._update.gradient_norm
        length = nn.utils.clip_grad_norm_(self._learning, longest).item()
        if not math.isfinite(loss) or not math.isfinite(length):
            self._steps -= 1
            what = f"the gradient's length became {length}" if math.isfinite(loss) else f"the loss became {loss}"
            raise DivergenceError(what)
        self._optimizer.step()
        return loss, _joined(after)

    @_memory_errors
    @torch.no_grad()
    def losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[FloatArray, State]:
        """Read a window without learning; see `Engine.losses`."""
        self._network.eval()
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # scores are those of 32-bit floats
            losses, after = self._losses(inputs, targets, state)
            return losses.cpu().numpy(), after

    def weights(self) -> Weights:
        """Return a copy of the weights, named and shaped as in a model file."""
        return _from_torch(self._network)

    def saved(self) -> Saved:
        """Return weights and moments; see `Engine.saved`."""
        arrays = dict(self.weights())
        for name, weight in self._network.named_parameters():
            for moment in MOMENTS:
                if moment in (state := self._optimizer.state.get(weight, {})):
                    arrays[f"{moment}/{_file_name(name)}"] = state[moment].detach().cpu().numpy().copy()
        return Saved(arrays, {"steps": self._steps})

    def restore(self, saved: Saved) -> None:
        """See `Engine.restore`."""
        weights, moments, self._steps = restored(saved, self._config)
        self._network.load_state_dict(_to_torch(weights))
        self._optimizer.state.clear()
        for name, weight in self._network.named_parameters():
            if (ours := _file_name(name)) not in moments[0]:
                continue
            found = {moment: self._moved(of[ours]).clone() for moment, of in zip(MOMENTS, moments, strict=True)}
            count = torch.tensor(float(self._steps), device=self._device if self._on_device else "cpu")
            self._optimizer.state[weight] = {"step": count, **found}

    def _losses(self, inputs: TokenIds, targets: TokenIds, state: State) -> tuple[Tensor, State]:
        logits, hidden, cell = self._network(
            self._moved(inputs), self._moved(state.hidden), self._moved(state.cell), len(targets)
        )
        losses = functional.cross_entropy(logits.flatten(0, 1), self._moved(targets).flatten(), reduction="none")
        return losses.view(targets.shape), State(hidden.float().cpu().numpy(), cell.float().cpu().numpy())

    def _moved(self, array: TokenIds | FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def _groups(inputs: TokenIds, state: State) -> list[slice]:
    """Return the streams in groups whose activations are held at once: the gradient of all is the sum of theirs."""
    window, batch = inputs.shape
    numbers = window * state.hidden.shape[0] * state.hidden.shape[2]  # of one stream and one kind of activation
    groups = -(-batch // max(1, HELD_AT_ONCE // numbers))
    size = -(-batch // groups)
    return [slice(first, first + size) for first in range(0, batch, size)]


def _joined(states: list[State]) -> State:
    return State(*(np.concatenate([getattr(state, name) for state in states], axis=1) for name in ("hidden", "cell")))


class _Network(nn.Module):
    def __init__(self, config: NetworkConfig, dropout: float, start: int | None) -> None:
        super().__init__()
        self.start = -1 if start is None else start
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding)
        sizes = [config.embedding, *[config.hidden] * config.layers]
        self.layers = nn.ModuleList(nn.LSTM(inputs, outputs) for inputs, outputs in pairwise(sizes))
        self.head = nn.Linear(config.hidden, config.vocabulary_size)
        self.dropout = nn.Dropout(dropout)
        for lstm in self.layers:
            lstm.bias_hh_l0.requires_grad_(False)

    def forward(self, tokens: Tensor, hidden: Tensor, cell: Tensor, last: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (time, batch), states (layers, batch, hidden) -> logits (last, batch, vocabulary) and states.

        With `last` 0 the logits are those of all positions.
        """
        outputs, states, starts = self.embedding(tokens), [], tokens == self.start
        places = torch.nonzero(starts.any(dim=1)).flatten().tolist()
        for layer, lstm in enumerate(self.layers):
            outputs, state = _restarted(
                lstm, outputs, (hidden[layer : layer + 1], cell[layer : layer + 1]), starts, places
            )
            above = outputs if layer + 1 < len(self.layers) else outputs[-last:]  # the head needs no more
            outputs = self.dropout(above)
            states.append(state)
        after = (torch.cat([state[part] for state in states]).detach() for part in (0, 1))
        return self.head(outputs), *after


def _restarted(
    lstm: nn.Module, inputs: Tensor, state: tuple[Tensor, Tensor], starts: Tensor, places: list[int]
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run a layer over a window, in stretches at whose first position some streams' states are cleared.

    - inputs: (time, batch, width); state: two of (1, batch, hidden)
    - starts: (time, batch), where a state is cleared; places: the times at which any is
    """
    outputs = []
    for begin, end in pairwise([*([] if places[:1] == [0] else [0]), *places, len(inputs)]):
        kept = ~starts[begin][None, :, None]
        part, state = lstm(inputs[begin:end], (state[0] * kept, state[1] * kept))
        outputs.append(part)
    return torch.cat(outputs), state


def _to_torch(weights: Weights) -> dict[str, Tensor]:
    tensors = {}
    for name, array in weights.items():
        tensor = torch.from_numpy(array.copy())
        tensors[_torch_name(name)] = tensor
        if name.endswith(".bias") and name.startswith("layers."):
            tensors[_torch_name(name).replace("bias_ih", "bias_hh")] = torch.zeros_like(tensor)
    return tensors


def _from_torch(network: nn.Module) -> Weights:
    arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
    return {_file_name(name): array for name, array in arrays.items() if not name.endswith(".bias_hh_l0")}


def _torch_name(name: str) -> str:
    """layers.0.weight_ih -> layers.0.weight_ih_l0, layers.0.bias -> layers.0.bias_ih_l0, others as they are."""
    if not name.startswith("layers."):
        return name
    return name.replace(".bias", ".bias_ih") + "_l0"


def _file_name(name: str) -> str:
    return name.removesuffix("_l0").replace(".bias_ih", ".bias")


def sees_gpu() -> bool:
    """Whether torch can use a GPU here."""
    return torch.cuda.is_available()


def _autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return what lets products be made in bfloat16, where a GPU is fast at that."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def _device(name: str) -> torch.device:
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(candidate for candidate in ("cuda", "mps", "cpu") if available[candidate])
    if not available[name]:
        usable = ", ".join(candidate for candidate, usable in available.items() if usable)
        raise OptionError(f"device: {name} is not available here, expected one of: auto, {usable}")
    return torch.device(name)
