"""What TensorBoard is given to show."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from conftest import Run, assert_refused
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event

from longhand.model import load

SMALL = ["--hidden", "8", "--embedding", "4", "--window", "16", "--batch", "4"]


def records(folder: Path) -> list[Event]:
    """Return the events in the one file of a folder: each has its length and two checksums around it."""
    (file,) = folder.glob("events.out.tfevents.*")
    data, events, at = file.read_bytes(), [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        events.append(Event.FromString(data[at + 12 : at + 12 + length]))
        at += length + 16
    return events


def test_the_curves_and_samples_lie_beside_the_log(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    done = longhand("train", verse_path, "-o", tmp_path / "m", "--epochs", "3", "--tensorboard", *SMALL)
    assert (done.returncode, done.stderr) == (0, "")
    assert "It writes" in done.stdout
    points: dict[str, list[tuple[int, float]]] = {}
    texts = []
    for event in records(tmp_path / "m.run" / "tensorboard"):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                points.setdefault(value.tag, []).append((event.step, value.simple_value))
            else:
                texts.append((value.tag.split("/")[0], event.step, value.tensor.string_val[0].decode()))
    held_out = points["bits_per_character/held_out"]
    assert held_out[-1][1] == pytest.approx(load(tmp_path / "m").card.validation_bits_per_character, abs=1e-4)
    assert set(points) == {
        "bits_per_character/training",
        "bits_per_character/held_out",
        "learning_rate",
        "characters_per_second",
    }
    assert all(steps == sorted(steps) for steps in ([step for step, _ in curve] for curve in points.values()))
    assert [step for tag, step, _ in texts if tag == "sample"] == [step for step, _ in held_out]
    assert any("LSTM" in text for tag, _, text in texts if tag == "plan")
    again = longhand("train", verse_path, "-o", tmp_path / "m", "--epochs", "1", "--tensorboard", "--overwrite", *SMALL)
    assert again.returncode == 0
    assert records(tmp_path / "m.run" / "tensorboard")  # one file: the earlier training's is gone


def test_on_a_full_disk_the_training_goes_on_without_tensorboard(
    longhand: Run, verse_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0

    def full(*_: object) -> None:
        nonlocal written
        written += 1
        if written > 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(EventsWriter, "write_event", full)
    done = longhand("train", verse_path, "-o", tmp_path / "m", "--epochs", "1", "--tensorboard", *SMALL)
    assert done.returncode == 0
    assert done.stderr.count("nothing more for TensorBoard (No space left on device)") == 1
    assert written == 6
    assert load(tmp_path / "m").card.validation_bits_per_character is not None


def test_without_tensorboardx_a_line_says_what_to_install(
    longhand: Run, verse_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    done = longhand("train", verse_path, "-o", tmp_path / "m", "--tensorboard")
    assert_refused(
        done, "tensorboardX is not installed, which --tensorboard needs: pip install 'longhand[tensorboard]'"
    )
    assert not list(tmp_path.glob("m*"))
