"""Writing together: the likely continuations, taking, typing, undoing, branching; in a real pseudo-terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VERSE, Finished, Run, assert_refused, fresh, small_file

from longhand.api import train
from longhand.errors import OptionError
from longhand.generation.explorer import Explorer
from longhand.model import Model

SETTINGS: dict[str, Any] = {"epochs": 4, "hidden": 24, "layers": 1, "embedding": 8, "window": 16}


@pytest.fixture(scope="module", params=["char", "byte", "word", "whitespace", "bpe:300"])
def poet(request: pytest.FixtureRequest) -> Model:
    """Return a model that has learned a few lines."""
    return train(io.StringIO((VERSE + "é中👍\n") * 30), tokens=request.param, **SETTINGS)


def chances(model: Model, text: str) -> np.ndarray:
    """Return the probabilities of the tokens after a text that is encoded as it is."""
    ids = np.concatenate([[model.tokenizer.start], model.tokenizer.encode(text)])
    logits = model.session().feed(ids[:, None])[-1, 0].astype(np.float64)
    logits[list(model.tokenizer.never_written)] = -np.inf
    shares: np.ndarray = np.exp(logits - logits.max())
    shares /= shares.sum()
    return shares


def test_continuations_are_the_likeliest_with_their_probabilities(poet: Model) -> None:
    found = poet.explore("the cat ").continuations(5)
    expected = np.sort(chances(poet, "the cat "))[::-1][:5]
    np.testing.assert_allclose([each.probability for each in found], expected, atol=1e-5)
    assert all(each.text and len(each.text) <= 40 for each in found)


def test_what_is_taken_or_typed_is_read(poet: Model) -> None:
    explorer = poet.explore("the ")
    explorer.take(explorer.continuations(3)[1])
    explorer.append(" sat")
    assert explorer.text.startswith("the ")
    if poet.tokenizer.kind in ("char", "byte"):
        expected = np.sort(chances(poet, explorer.text))[::-1][:3]
        found = [each.probability for each in explorer.continuations(3)]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_undoing_everything_is_the_beginning(poet: Model) -> None:
    explorer = poet.explore("so")
    before = [(each.text, each.probability) for each in explorer.continuations(4)]
    explorer.take(explorer.continuations(1)[0])
    explorer.append("x")
    explorer.write(30, 1)
    assert explorer.text != "so"
    while explorer.undo():
        pass
    assert explorer.text == "so"
    assert [(each.text, each.probability) for each in explorer.continuations(4)] == before


def test_branches_are_come_back_to() -> None:
    explorer = Model(small_file()).explore("ab")
    explorer.keep("here")
    explorer.append("cd")
    explorer.keep("there")
    explorer.go_to("here")
    explorer.append("xy")
    assert explorer.text == "abxy"
    explorer.go_to("there")
    assert explorer.text == "abcd"
    assert explorer.undo()
    assert explorer.text == "ab"
    with pytest.raises(OptionError, match="no branch 'nowhere', there are here, there"):
        explorer.go_to("nowhere")


def test_what_the_model_writes_ends_with_the_line_and_goes_on(poet: Model) -> None:
    explorer: Explorer = poet.explore()
    for _ in range(3):
        text = explorer.write(500, 1)
        assert text.endswith("\n")
        assert text.strip("\n").count("\n") == 0


def answers(path: Path, *lines: str) -> Finished:
    """Return what the command does with some lines of input."""
    words = ("generate", path, "--interactive", "--seed", "1", "--prompt", "ab")
    return fresh(*words, input="\n".join(lines) + "\n")


def test_a_conversation_ends_with_the_text(model_path: Path, tmp_path: Path) -> None:
    done = answers(model_path, "cd", "/undo", "ef\\n", "/type 12", "/keep x", "zz", "/go x", "/branches",
                   f"/save {tmp_path / 'out.txt'}", "99", "/nothing", "/write x", "/help", "/quit")  # fmt: skip
    assert done.returncode == 0
    assert done.stdout == "abef\n12\n"
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "abef\n12"
    messages = ("found 99, expected 1 to 9", "/nothing: no such command", "/write: found 'x'", "take that continuation")
    for message in messages:
        assert message in done.stderr
    assert answers(model_path, "1").stdout.startswith("ab")


def test_odd_input_is_answered(model_path: Path, tmp_path: Path) -> None:
    done = answers(model_path, "9" * 5000, "/write " + "9" * 5000, f"/save {tmp_path}/a\0b", "/go nowhere", "/quit")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert done.stdout == "ab\n"


@pytest.mark.parametrize("settings", [{"without": "e"}, {"stop": "x"}, {"max_copy": 5}, {"repetition_penalty": 2.0}])
def test_what_does_nothing_here_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"not for texts that are written together|--corpus"):
        Model(small_file()).explore(**settings)


def test_it_goes_with_nothing_that_writes_many(longhand: Run, model_path: Path) -> None:
    assert_refused(longhand("generate", model_path, "--interactive", "--count", "2"), "--interactive is for one text")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other terminals")
def test_in_a_real_terminal_a_person_picks_types_and_takes_back(model_path: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "longhand", "generate", str(model_path), "--interactive", "--seed", "1"]
    environment = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(
        [*command, "--prompt", "ab"], stdin=follower, stdout=follower, stderr=follower, env=environment, close_fds=True
    )
    os.close(follower)
    seen = _until(leader, "> ")
    assert "ab▏" in seen
    assert "  1 " in seen
    os.write(leader, b"qrst\n")
    assert "abqrst▏" in _until(leader, "> ")
    os.write(leader, b"/u\n")
    assert "ab▏" in _until(leader, "> ")
    os.write(leader, b"1\n")
    _until(leader, "> ")
    os.write(leader, b"\x04")
    seen = _until(leader, None)
    assert process.wait(20) == 0
    assert "Traceback" not in seen
    os.close(leader)


def _until(terminal: int, mark: str | None) -> str:
    """Return what a terminal shows up to a mark, or to its end."""
    seen, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the other side has closed
            break
        seen += data
        if not data or (mark is not None and seen.decode("utf-8", "ignore").endswith(mark)):
            break
    return seen.decode("utf-8", "replace").replace("\r\n", "\n")
