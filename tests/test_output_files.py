"""What the commands write: never over a device, a pipe or a protected file, and the private to their owner alone."""

from __future__ import annotations

import errno
import io
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import VERSE, Run, assert_refused, small_file
from logs import whole_training, write_log
from odd_files import device, mode, pipe
from stopping import stopped_training

from longhand.api import train
from longhand.cli.output import complain, note, visible, visible_token
from longhand.modelfile import write_model
from longhand.pages.letters import visible as visible_on_a_page
from longhand.text import preparing
from longhand.text.cache import cache_folder
from longhand.text.preparing import encode_corpus

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, pipes and devices are POSIX's")
SMALL: dict[str, Any] = {"epochs": 0.1, "hidden": 8, "layers": 1, "batch": 4, "window": 16}
OPTIONS = ["--epochs", "0.1", "--hidden", "8", "--batch", "4", "--window", "16"]
COMMANDS = {
    "train": ["train", "verse.txt", "-o", "OUT.safetensors", *OPTIONS],
    "generate": ["generate", "small", "--length", "5", "--save-state", "OUT"],
    "import": ["import", "absent.h5", "--corpus", "verse.txt", "-o", "OUT.safetensors"],
    "score page": ["score", "small", "verse.txt", "--html", "OUT"],
    "score characters": ["score", "small", "verse.txt", "--per-character", "OUT"],
    "score lines": ["score", "small", "verse.txt", "--per-line", "OUT"],
    "inspect": ["inspect", "small", "--text", "the cat", "-o", "OUT"],
    "report": ["report", "old.run", "-o", "OUT"],
    "demo": ["demo", "-o", "OUT.safetensors", "--minutes", "0.01"],
    "demo weather": ["demo", "weather", "-o", "OUT.html", "--minutes", "0.01"],
    "tune": ["tune", "OUT.safetensors", "--corpus", "verse.txt"],
}


def read_only_model(path: Path) -> None:
    write_model(small_file(), path)
    path.chmod(0o400)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which commands run, with a text, a model and the folder of a training."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "verse.txt").write_text(VERSE * 40, encoding="utf-8")
    write_model(small_file(), tmp_path / "small.safetensors")
    write_log(tmp_path / "old.run", whole_training())
    return tmp_path


@pytest.fixture(params=[0, 0o022], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize(
    ("make", "message"), [(device, "is a device"), (pipe, "is a pipe"), (read_only_model, "is write-protected")]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_overwrites_what_is_no_file_or_is_protected(
    longhand: Run, files: Path, command: str, make: Callable[[Path], None], message: str
) -> None:
    if command == "tune" and make is pipe:
        pytest.skip("a pipe is no model, which is said first")
    words = COMMANDS[command]
    target = files / next(word for word in words if word.startswith("OUT"))
    if command == "demo weather":
        words = ["OUT" if word == "OUT.html" else word for word in words]
    make(target)
    before = target.lstat()
    overwrite = [] if command == "tune" else ["--overwrite"]
    found = longhand(*words, *overwrite)
    if command == "tune" and make is device:
        assert_refused(found, "is no regular file")
    else:
        assert_refused(found, message)
    assert (target.lstat().st_ino, target.lstat().st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("output", ["/dev/stdout", "/dev/null", "/dev/full"])
def test_a_device_is_refused_without_advice_to_overwrite_it(longhand: Run, output: str) -> None:
    assert_refused(longhand("score", "small", "verse.txt", "--html", output), ": name a file\n")
    assert Path("/dev/full").is_char_device()


def test_a_file_that_cannot_hold_the_data_is_told_in_one_line(files: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "longhand", "generate", "small", "--length", "5", "--save-state", "state"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("longhand: error: state: cannot write (File too large)")
    assert not list(files.glob(".longhand-*"))
    assert not (files / "state").exists()


@pytest.mark.usefixtures("umask")
def test_a_state_is_private_and_one_that_is_replaced_keeps_its_mode(longhand: Run, files: Path) -> None:
    words = ("generate", "small", "--length", "5", "--save-state", "state", "--overwrite")
    assert longhand(*words).returncode == 0
    assert mode(files / "state") == 0o600
    (files / "state").chmod(0o640)
    assert longhand(*words).returncode == 0
    assert mode(files / "state") == 0o640


def test_the_folder_of_a_training_is_private_and_its_model_follows_the_umask(files: Path, umask: int) -> None:
    train("verse.txt", "model", **SMALL)
    assert mode(files / "model.safetensors") == 0o666 & ~umask
    assert mode(files / "model.run") == 0o700
    assert {mode(path) for path in (files / "model.run").glob("[!.]*")} == {0o600}
    stopped_training(files / "verse.txt", files / "stopped", after=1, **SMALL)
    assert mode(files / "stopped.run") == 0o700
    assert {mode(path) for path in (files / "stopped.run").glob("checkpoint-*")} == {0o600}


@pytest.mark.usefixtures("umask")
def test_a_model_that_is_replaced_keeps_its_mode(files: Path) -> None:
    train("verse.txt", "model", **SMALL)
    (files / "model.safetensors").chmod(0o600)
    train("verse.txt", "model", overwrite=True, **SMALL)
    assert mode(files / "model.safetensors") == 0o600


@pytest.mark.usefixtures("umask")
def test_the_tokens_of_a_text_are_private(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "KEPT_FROM", dict.fromkeys(preparing.KEPT_FROM, 0))
    encode_corpus([files / "verse.txt"])
    tokens = cache_folder()
    assert tokens is not None
    (text,) = tokens.iterdir()
    assert {mode(folder) for folder in (tokens.parent, tokens, text)} == {0o700}
    assert {path.name: mode(path) for path in text.glob("[!.]*")} == dict.fromkeys(
        ["ids", "progress.json", "split.json"], 0o600
    )


@pytest.mark.usefixtures("umask")
def test_the_index_of_copies_is_private(files: Path) -> None:
    pytest.importorskip("pydivsufsort")
    from longhand.copies.index import build_index

    build_index([VERSE], files / "small.run" / "copies")
    assert mode(files / "small.run") == mode(files / "small.run" / "copies") == 0o700
    assert {mode(path) for path in (files / "small.run" / "copies").glob("[!.]*")} == {0o600}


def test_notes_are_dropped_once_the_terminal_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            tries.append(text)
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("sys.stderr", Closed())
    note("the training goes on")
    complain("it could not be told")
    assert len(tries) == 2


def test_what_scripts_and_emoji_need_is_shown_as_it_is_and_commands_are_not() -> None:
    needed = [
        "می\u200cروم \u200f",
        "ខ្ញុំ\u200bទៅ",
        "co\u00adöp",
        "👩\u200d👧",
        "\U0001f3f4\U000e0067\U000e007f",
        "ᠮᠣ\u180eᠠ",
    ]
    for text in needed:
        assert visible(text) == visible_on_a_page(text) == text
    assert visible("a\x1b[0m\u202e\u2067\ufeff\n") == "a·[0m···\n"
    assert [visible_token(token) for token in ("\u200b", " a\n", "می\u200c", "")] == ["·", "␣a⏎", "می\u200c", ""]
