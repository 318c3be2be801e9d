"""What goes wrong in the HDF5 library itself ends the process that reads, not the import."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest
from keras_models import FIRST, LEGACY, changed, imported, legacy_file, legacy_weights, lstm_shapes

from longhand.errors import ModelFormatError
from longhand.interop import apart
from longhand.interop.apart import read_apart
from longhand.interop.keras_file import read_keras

SHIFT = bytes.fromhex("7c6ddd215cd3e95f6e")
TEXT_LENGTH, TEXTS = 4_000_000, 150


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """Return a file of whose configuration libhdf5 1.14 never comes to the end: bytes put in before its heap."""
    content = legacy_file(FIRST).read_bytes()
    path = tmp_path / "endless.h5"
    path.write_bytes(content[:2087] + SHIFT + content[2087:])
    return path


def running_in_group(group: int) -> list[str]:
    """Return the processes of a group that have not ended, as `ps` has them."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    lines = [line.split(None, 2) for line in listed.splitlines()]
    return [line[2] for line in lines if int(line[0]) == group and not line[1].startswith("Z")]


def one_text_many_times(file: h5py.File) -> None:
    """Make an attribute of texts that are all the same place of the file."""
    texts = ["x" * TEXT_LENGTH] + [f"text {number}" for number in range(TEXTS - 1)]
    file["model_weights"].attrs.create("layer_names", texts, dtype=h5py.string_dtype())


def repeat_first_text(path: Path) -> None:
    """Let the attribute's references, of a length, an address and a number, all be the first."""
    content = path.read_bytes()
    start = content.index(TEXT_LENGTH.to_bytes(4, "little"))
    path.write_bytes(content[:start] + content[start : start + 16] * TEXTS + content[start + 16 * TEXTS :])


@pytest.mark.parametrize("name", LEGACY)
def test_a_process_of_its_own_reads_the_same(name: str) -> None:
    ours, apart_read = read_keras(legacy_file(name)), read_apart(legacy_file(name))
    assert (ours.window, ours.configured) == (apart_read.window, apart_read.configured)
    assert [layer for layer, _ in ours.layers] == [layer for layer, _ in apart_read.layers]
    for (_, expected), (_, found) in zip(ours.layers, apart_read.layers, strict=True):
        assert [array.tobytes() for array in expected] == [array.tobytes() for array in found]
        assert [array.shape for array in expected] == [array.shape for array in found]


def test_layers_and_shapes_beyond_the_plain_come_through(tmp_path: Path) -> None:
    names = ["a\nb", "é/ü", "x" * 1000]
    path = legacy_weights(tmp_path / "m.h5", *((name, lstm_shapes(1, 1)) for name in names), ("end", [(1, 0), (0,)]))
    saved = read_apart(path)
    assert [layer.name for layer, _ in saved.layers] == [*names, "end"]
    assert [array.shape for array in saved.layers[-1][1]] == [(1, 0), (0,)]


def test_an_error_of_the_other_process_is_raised_in_this_one(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda file: file.__delitem__("model_weights/lstm"))
    with pytest.raises(ModelFormatError, match=r"model_weights/lstm: missing$"):
        imported(path)


def test_a_file_on_which_the_library_does_not_return_is_refused(endless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 1.0)
    started = time.monotonic()
    with pytest.raises(ModelFormatError, match=r"endless.h5: not read within 1 seconds: damaged, or the machine"):
        imported(endless)
    assert time.monotonic() - started < 20


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a group of processes")
def test_ctrl_c_ends_a_reading_that_does_not_return(endless: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("abcdefghi")
    command = [sys.executable, "-m", "longhand", "import", str(endless), "--corpus", str(tmp_path / "text.txt")]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == f"longhand: note: reading {endless} ...\n"
        os.killpg(running.pid, signal.SIGINT)
        assert "ended by Ctrl-C" in running.communicate(timeout=20)[1]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["endless.h5", "text.txt"]
    assert not running_in_group(running.pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux")
def test_texts_that_are_one_text_many_times_take_bounded_memory(tmp_path: Path) -> None:
    path = changed(tmp_path, one_text_many_times)
    repeat_first_text(path)
    with h5py.File(path) as file:
        assert {len(text) for text in file["model_weights"].attrs["layer_names"]} == {TEXT_LENGTH}
    with pytest.raises(ModelFormatError, match="damaged"):
        imported(path)


@pytest.mark.skipif(os.name != "posix", reason="a signal stands for the crash")
def test_a_crash_of_the_other_process_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "START", "import os; os.kill(os.getpid(), 11)")
    with pytest.raises(ModelFormatError, match=r"damaged\? Reading it ended with status -11 \(a crash\)"):
        imported(legacy_file(FIRST))


def test_modules_of_the_current_folder_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("h5py", "numpy", "json", "longhand"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    assert imported(legacy_file(FIRST)).config.layers == 2


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(ModelFormatError, match="null"):
        read_apart(Path("a\0b"))
