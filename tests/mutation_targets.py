"""The kinds of files that `test_mutations` damages: how each is made, and what is done with it afterwards."""

from __future__ import annotations

import io
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from conftest import VERSE
from logs import whole_training, write_log
from mutations import LARGEST, Mutator

from longhand.api import train
from longhand.config import PLANNED, NetworkConfig, TrainConfig
from longhand.copies.guard import CopyGuard
from longhand.copies.index import CopyIndex, build_index
from longhand.copies.report import novelty
from longhand.errors import LonghandError
from longhand.generation.saved import load_state
from longhand.interop.apart import read_apart
from longhand.model import Model, load
from longhand.modelfile import Card, ModelFile, expected_shapes, write_model
from longhand.report.history import read_history
from longhand.report.page import report_page
from longhand.serving.runs import RunFolder
from longhand.text import preparing
from longhand.text.bytewise import ByteTokenizer
from longhand.text.cache import cache_folder, kept_texts
from longhand.text.characters import CharacterTokenizer
from longhand.text.listed import ListedTokenizer
from longhand.text.preparing import encode_corpus
from longhand.text.subwords import LETTERS, SubwordTokenizer
from longhand.text.tokenizer import Tokenizer
from longhand.text.words import WordTokenizer
from longhand.training.events import Event, Stepped

ALWAYS_USED = ("cache", "log")  # what is damaged of these is made anew, or passed over
CHARACTERS = "\n abcdefghijklmnopqrstuvwxyz"
RECORDS = ("config", "tokenizer", "card")
SHAPES = ((1, 1, 1), (7, 15, 2), (16, 17, 1), (3, 33, 3))  # embedding, hidden, layers
SCALES = (0.3, 0.0, 30.0, 1e-42, 1e19, LARGEST / 8)  # of weights
SMALL: dict[str, Any] = {"hidden": 16, "embedding": 8, "batch": 4, "window": 16, "threads": 1, "checkpoint_every": 0}
UNPLANNED = {name: getattr(TrainConfig(), name) for name in PLANNED if name not in SMALL}  # nothing is measured then
RECIPES: tuple[dict[str, Any], ...] = (
    {**SMALL, "epochs": 1},
    {**SMALL, "epochs": 1, "chapter": 60, "batch": 2},
    {**SMALL, "minutes": 0.02, **UNPLANNED},
    {**SMALL, "epochs": 2, "recipe": "classic", "embedding": 0, "batch": 100, "held_out": 0.1},
)
DRAWINGS: tuple[dict[str, Any], ...] = (
    {"greedy": True},
    {"greedy": True, "pattern": "[a-z ]{3,9}"},
    {"greedy": True, "without": "e", "until": "line"},
    {"pattern": "[a-z ]{3,9}", "seed": 1, "typical": 0.5},
    {"seed": 2, "top_p": 0.5, "top_k": 3, "min_p": 0.1},
    {"seed": 3, "repetition_penalty": 9, "presence_penalty": 2, "penalty_window": 1000, "temperature": 1000},
    {"seed": 4, "logit_bias": {"a": 5}, "temperature_end": 2.0},
)


class Killed(BaseException):
    """As sudden as a signal that cannot be caught."""


class Target(Protocol):
    """A kind of file."""

    kind: str

    def restore(self) -> None:
        """Put everything back to where nothing is damaged."""
        ...

    def damage(self, mutator: Mutator) -> None:
        """Put everything back, and then damage some of it."""
        ...

    def use(self, chance: random.Random) -> None:
        """Use what there is as a command would. Raises `LonghandError` for what cannot be used."""
        ...


class Models:
    """Model files of every tokenizer, of odd shapes, with ordinary and extreme weights."""

    kind = "model"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:  # noqa: ARG002 (as all)
        self._path, self._whole = folder / "m.safetensors", [*small_models(folder)]

    def restore(self) -> None:
        self._path.write_bytes(self._whole[0])

    def damage(self, mutator: Mutator) -> None:
        whole = mutator.random.choice(self._whole)
        self._path.write_bytes(whole if mutator.random.random() < 0.2 else mutator.damaged_tensors(whole, RECORDS))

    def use(self, chance: random.Random) -> None:
        model = load(self._path, precision=chance.choice(("auto", "int8")), threads=chance.choice((1, 2)))
        drawing, prompt = chance.choice(DRAWINGS), chance.choice(("", "the cat", "a", "é\n"))
        scoring: dict[str, Any] = chance.choice(({}, {"cache": True}, {"adapt": True}))
        uses: list[Callable[[], object]] = [
            lambda: model.generate(prompt, length=9, **drawing),
            lambda: list(model.texts("the", count=2, length=4, seed=1, best_of=2)),
            lambda: model.score("the cat sat\n", **scoring),
            lambda: model.gate_values("the cat"),
            lambda: model.inspect("the cat sat on the mat", reach=2, places=2),
            lambda: model.next("the", k=3),
            lambda: model.generate(prompt, length=5, beam=2),
        ]
        for use in (uses[0], chance.choice(uses[1:])):
            with suppress(LonghandError):
                use()


class States:
    """States of texts that were begun by each model."""

    kind = "state"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        self._path = folder / "state"
        self._models: list[tuple[Model, bytes]] = []
        for number, content in enumerate(small_models(folder, extremes=False)):
            path = folder / f"{number}.safetensors"
            path.write_bytes(content)
            model = load(path)
            if model.config.window is None:
                settings: dict[str, Any] = {"repetition_penalty": 1.3, "logit_bias": {"a": 0.5}, "stop": "zq"}
                pieces = model.pieces("the cat", length=7, seed=3, **settings)
                list(pieces)
                self._models.append((model, model.state_of(pieces).to_bytes()))
        self.restore()

    def restore(self) -> None:
        self._model, whole = self._models[0]
        self._path.write_bytes(whole)

    def damage(self, mutator: Mutator) -> None:
        self._model, whole = mutator.random.choice(self._models)
        self._path.write_bytes(mutator.damaged_tensors(whole, ("facts",)))

    def use(self, chance: random.Random) -> None:
        settings = chance.choice(({}, {"seed": 1}, {"greedy": True}, {"repetition_penalty": 2}))
        state = load_state(self._path)
        list(self._model.pieces(chance.choice(("", "the")), state=state, length=5, **settings))


class Checkpoints:
    """Checkpoints of trainings of both recipes, which are resumed."""

    kind = "checkpoint"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = folder / "m.run"
        with patch.context() as often:
            often.setattr("longhand.training.safety.SAVING_SHARE", float("inf"))
            self._whole = [self._begun(folder, number, recipe) for number, recipe in enumerate(RECIPES)]

    def _begun(self, folder: Path, number: int, recipe: dict[str, Any]) -> tuple[str, bytes]:
        """Return the name and the content of a checkpoint after some steps."""
        with pytest.raises(Killed):
            train(io.StringIO(VERSE * 15), folder / f"{number}", listener=stop_after(4), **recipe)
        path = max((folder / f"{number}.run").glob("checkpoint-*"))
        return path.name, path.read_bytes()

    def restore(self) -> None:
        self._put(*self._whole[0])

    def damage(self, mutator: Mutator) -> None:
        name, whole = mutator.random.choice(self._whole)
        self._put(name, mutator.damaged_tensors(whole, ("config", *["facts"] * 5)))

    def _put(self, name: str, content: bytes) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.with_suffix(".safetensors").unlink(missing_ok=True)
        self._folder.mkdir()
        (self._folder / name).write_bytes(content)

    def use(self, chance: random.Random) -> None:  # noqa: ARG002
        with suppress(Killed):
            train(io.StringIO(VERSE * 15), self._folder.with_suffix(""), resume=True, listener=stop_after(60))


class Indexes:
    """The files of an index of copies."""

    kind = "index"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        self._folder = folder / "index"
        build_index([VERSE * 3 + "é中"], self._folder, ["verse.txt"])
        self._whole = contents(self._folder)

    def restore(self) -> None:
        put(self._folder, self._whole)

    def damage(self, mutator: Mutator) -> None:
        put(self._folder, with_damage(self._whole, mutator))

    def use(self, chance: random.Random) -> None:  # noqa: ARG002
        index = CopyIndex(self._folder)
        guard = CopyGuard(index, 5)
        novelty("the cat sat on a log, é", index)
        for letter in "the cat":
            guard.refuses(letter)


class Caches:
    """The tokens that are kept of a text: whatever is damaged, a training reads the same."""

    kind = "cache"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("LONGHAND_CACHE", str(folder / "cache"))
        patch.setattr(preparing, "KEPT_FROM", dict.fromkeys(preparing.KEPT_FROM, 0))
        self._text = folder / "text.txt"
        self._text.write_text(VERSE * 20 + "é中", encoding="utf-8")
        self._ids = self._encoded()
        found = cache_folder()
        assert found is not None
        self._cache, self._folder = found, kept_texts(found)[0].folder
        self._whole = {name: data for name, data in contents(self._folder).items() if not name.startswith(".")}

    def _encoded(self) -> list[int]:
        return [*map(int, encode_corpus([self._text]).ids)]

    def restore(self) -> None:
        put(self._folder, self._whole)

    def damage(self, mutator: Mutator) -> None:
        put(self._folder, with_damage(self._whole, mutator))

    def use(self, chance: random.Random) -> None:  # noqa: ARG002
        assert len(kept_texts(self._cache)) == 1
        assert self._encoded() == self._ids


class Logs:
    """The log of a training, of which a report and a server tell."""

    kind = "log"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        self._folder = folder / "m.run"
        write_log(self._folder, whole_training())
        self._log = self._folder / "log.jsonl"
        self._lines = self._log.read_bytes().splitlines()

    def restore(self) -> None:
        self._log.write_bytes(b"\n".join(self._lines))

    def damage(self, mutator: Mutator) -> None:
        lines = [*self._lines]
        for _ in range(mutator.random.choice((1, 2, 5))):
            place = mutator.random.randrange(len(lines))
            lines[place] = mutator.damaged_document(self._lines[place])
        self._log.write_bytes(b"\n".join(lines))

    def use(self, chance: random.Random) -> None:  # noqa: ARG002
        RunFolder(self._folder).record()
        report_page(read_history(self._log), "m")


class Hdf5:
    """What Keras saved, which is read in a process of its own."""

    kind = "hdf5"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        data = Path(__file__).parent / "data"
        self._path, self._whole = folder / "m.h5", [path.read_bytes() for path in sorted(data.glob("*.h*5"))]

    def restore(self) -> None:
        self._path.write_bytes(self._whole[0])

    def damage(self, mutator: Mutator) -> None:
        self._path.write_bytes(mutator.damaged_bytes(mutator.random.choice(self._whole)))

    def use(self, chance: random.Random) -> None:  # noqa: ARG002
        read_apart(self._path)


TARGETS: dict[str, Callable[[Path, pytest.MonkeyPatch], Target]] = {
    "model": Models, "state": States, "checkpoint": Checkpoints, "index": Indexes, "cache": Caches, "log": Logs,
    "hdf5": Hdf5,
}  # fmt: skip


def small_models(folder: Path, *, extremes: bool = True) -> Iterator[bytes]:
    """Yield model files of every tokenizer and of odd shapes; with `extremes` some of extreme weights too."""
    words = ["the", " the", " cat", " sat", "\n", " ", *CHARACTERS[2:]]
    tokenizers: list[Tokenizer] = [
        CharacterTokenizer(CHARACTERS), ByteTokenizer(), WordTokenizer(words), ListedTokenizer([*CHARACTERS]),
        ListedTokenizer(["", "the", "cat", "sat"], "word"),
        SubwordTokenizer([*LETTERS, "th", "the"], [("t", "h"), ("th", "e")]),
        WordTokenizer(words, rule="whitespace"),
    ]  # fmt: skip
    for number, tokenizer in enumerate(tokenizers * (2 if extremes else 1)):
        embedding, hidden, layers = SHAPES[number % len(SHAPES)]
        window, documents = (5 if number % 5 == 4 else None), number % 3 == 1 and tokenizer.start is not None
        config = NetworkConfig(
            vocabulary_size=tokenizer.size, embedding=embedding, hidden=hidden, layers=layers, window=window,
            documents=documents,
        )  # fmt: skip
        chance, scale = np.random.default_rng(number), SCALES[number % len(SCALES)] if extremes else 0.3
        weights = {
            name: (chance.standard_normal(shape) * scale).astype(np.float32)
            for name, shape in expected_shapes(config).items()
        }
        if number == len(tokenizers):
            weights["head.weight"][:], weights["head.bias"][:] = 0, -LARGEST
        path = folder / f"base-{number}.safetensors"
        write_model(ModelFile(config, tokenizer.to_record(), weights, Card(corpus=["x.txt"])), path)
        yield path.read_bytes()


def stop_after(steps: int) -> Callable[[Event], None]:
    """Return a listener that kills a training after so many steps of this process."""
    left = steps

    def listen(event: Event) -> None:
        nonlocal left
        left -= isinstance(event, Stepped)
        if left <= 0:
            raise Killed

    return listen


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Let a folder have these files."""
    for name, data in files.items():
        (folder / name).write_bytes(data)


def with_damage(files: dict[str, bytes], mutator: Mutator) -> dict[str, bytes]:
    """Return files of which one is damaged."""
    name = mutator.random.choice([*files])
    change = mutator.damaged_document if name.endswith(".json") else mutator.damaged_bytes
    return {**files, name: change(files[name])}
