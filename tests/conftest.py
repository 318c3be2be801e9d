"""What the tests share: small networks, small texts, and the command line in this process or a fresh one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser, chromium
from desk import Desk
from hypothesis import settings
from serving import Server, running

from longhand import api
from longhand.cli.main import main
from longhand.config import NetworkConfig
from longhand.model import Model
from longhand.modelfile import ModelFile, write_model
from longhand.runtime.native import library
from longhand.text.characters import CharacterTokenizer
from longhand.training import speed
from longhand.training.initial import initial_weights
from longhand.training.native import library as learning

CORPORA = Path(__file__).parents[2] / "shared" / "corpora"
ALPHABET = "\n abcdefghijklmnopqrstuvwxyz"
VERSE = "the cat sat on the mat\nthe dog lay on the log\na bird sang in the tree\nso the day went on\n"

if built := os.environ.get("LONGHAND_SANITIZED"):  # `make sanitize` has other libraries tested
    modules: dict[str, Any] = {"kernel": library, "learn": learning}
    for part, module in modules.items():
        module.FILE = Path(f"{built}-{part}.so").resolve()
        if module.found()[0] is None:
            raise RuntimeError(f"{module.FILE}: {module.found()[1]}")

needs_kernel = pytest.mark.skipif(library.found()[0] is None, reason="the kernel in C is not here: it needs a compiler")

settings.register_profile("longhand", deadline=None)  # machines are shared: a slow moment is no failure
settings.load_profile("longhand")

Finished = subprocess.CompletedProcess[str]
Run = Callable[..., Finished]


def corpus_file(name: str) -> Path:
    """Return a corpus, or skip the test where it is missing."""
    path = CORPORA / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    return path


def small_file(
    alphabet: str = ALPHABET, *, layers: int = 2, hidden: int = 16, embedding: int = 8, seed: int = 0
) -> ModelFile:
    """Return an untrained model, the same for the same arguments."""
    tokenizer = CharacterTokenizer(alphabet)
    config = NetworkConfig(vocabulary_size=tokenizer.size, embedding=embedding, hidden=hidden, layers=layers)
    random = np.random.Generator(np.random.PCG64(seed))
    weights = initial_weights(config, np.ones(tokenizer.size, np.int64), tokenizer.unknown, random)
    return ModelFile(config, tokenizer.to_record(), weights)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no tokens where those of the person who runs the tests are kept."""
    monkeypatch.setenv("LONGHAND_CACHE", str(tmp_path / "longhand-cache"))


@pytest.fixture(autouse=True)
def _measured_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a plan measure this machine for a quarter of a second in place of two: what it finds is the same in kind."""
    monkeypatch.setattr(speed, "MOST_SECONDS", 0.25)


@pytest.fixture(autouse=True)
def _tried_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a model of a tiny text try each temperature with 50 documents in place of a thousand."""
    monkeypatch.setattr(api, "TRIED_DOCUMENTS", 50)


@pytest.fixture
def model() -> Model:
    return Model(small_file())


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    write_model(small_file(), path)
    return path


@pytest.fixture
def verse_path(tmp_path: Path) -> Path:
    path = tmp_path / "verse.txt"
    path.write_text(VERSE * 40, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def keras(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Keras 3 on its torch backend, with a home of its own."""
    os.environ.update(KERAS_BACKEND="torch", KERAS_HOME=str(tmp_path_factory.mktemp("keras")))
    import keras

    assert keras.backend.backend() == "torch"
    return keras


@pytest.fixture(scope="session")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def browser(shared_browser: Browser) -> Iterator[Browser]:
    """Chromium, the same for all tests: each opens a page of its own, and cannot run an event loop of its own."""
    with shared_browser.at_hand():
        yield shared_browser


@pytest.fixture(scope="session")
def page_models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models that know other letters, and the folder of a training, to be served."""
    from logs import whole_training, write_log

    folder = tmp_path_factory.mktemp("served")
    for name, alphabet, hidden in (("small", ALPHABET, 16), ("large", "".join(sorted(ALPHABET + "ABCDEF")), 24)):
        write_model(small_file(alphabet, hidden=hidden), folder / f"{name}.safetensors")
    write_log(folder / "verse.run", whole_training())
    return [folder / "small.safetensors", folder / "large.safetensors", folder / "verse.run"]


@pytest.fixture(scope="session")
def page_server(page_models: list[Path]) -> Iterator[Server]:
    """Start a server for all tests of its page."""
    with running(page_models) as started:
        yield started


@pytest.fixture
def desk(browser: Browser, page_server: Server) -> Desk:
    """Open the page of that server, with nothing kept from before."""
    return Desk(browser, page_server)


@pytest.fixture
def longhand(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Run the command line in this process."""

    def run(*arguments: object) -> Finished:
        words = ["longhand", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return Finished(words, int(ended.value.code or 0), out, err)

    return run


def fresh(*arguments: object, python: str = sys.executable, **options: object) -> Finished:
    """Run the command line in a fresh process."""
    finished: Finished = subprocess.run(
        [python, "-m", "longhand", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        check=False,
        **options,  # type: ignore[call-overload]
    )
    return finished


def assert_refused(done: Finished, message: str) -> None:
    """Assert that a command ended with one line that says this, and no traceback."""
    assert done.returncode == 2
    assert done.stderr.startswith("longhand: error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
