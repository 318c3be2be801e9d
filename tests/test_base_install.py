"""The base install, without torch, as pip makes it from a wheel: `make test` prepares it in .venv-base."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from conftest import fresh, needs_kernel
from logs import whole_training, write_log

from longhand.model import load

WHEELS = Path(__file__).parents[1] / "build" / "wheel"
PYTHON = Path(__file__).parents[1] / ".venv-base" / "bin" / "python"


@pytest.fixture
def python() -> str:
    if not PYTHON.exists():
        pytest.skip("no base install here: make test prepares it")
    return str(PYTHON)


def test_it_has_no_torch(python: str) -> None:
    done = subprocess.run([python, "-c", "import torch"], capture_output=True, text=True, check=False)
    assert "No module named 'torch'" in done.stderr


def test_it_writes_the_text_that_the_full_install_writes(python: str, model_path: Path, tmp_path: Path) -> None:
    done = fresh("generate", model_path, "--length", 200, "--seed", 5, python=python, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout == load(model_path).generate(length=200, seed=5)


@needs_kernel
def test_its_kernel_runs_and_belongs_to_no_python_version(python: str, model_path: Path, tmp_path: Path) -> None:
    facts = json.loads(fresh("info", model_path, "--json", python=python, cwd=tmp_path).stdout)
    assert facts["runtime"] == load(model_path).runtime.name != "numpy"
    (wheel,) = WHEELS.glob("longhand-*.whl")
    assert "-py3-none-" in wheel.name
    assert not wheel.name.endswith("-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        kernels = [member for member in archive.infolist() if member.filename.endswith(".so")]
    names = [member.filename for member in kernels]
    assert sorted(names) == ["longhand/runtime/native/_kernel.so", "longhand/training/native/_learn.so"]
    assert all(member.file_size < 200_000 for member in kernels)


def test_it_has_what_its_pages_are_made_of(python: str) -> None:
    assert python
    (wheel,) = WHEELS.glob("longhand-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for part in ("report", "thermometer"):
        assert {f"longhand/{part}/page.{end}" for end in ("css", "html.j2", "js")} <= names
    assert {f"longhand/serving/reference/page.{end}" for end in ("css", "html.j2")} <= names


@needs_kernel
def test_it_trains(python: str, tmp_path: Path) -> None:
    settings = ["--epochs", 3, "--hidden", 16, "--batch", 4, "--window", 16]
    done = fresh("train", __file__, "-o", tmp_path / "new", *settings, python=python, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert load(tmp_path / "new").card.validation_bits_per_character is not None


def test_it_makes_a_report(python: str, tmp_path: Path) -> None:
    folder = write_log(tmp_path / "verse.run", whole_training())
    assert fresh("report", folder, python=python, cwd=tmp_path).returncode == 0
    assert "2.170" in (folder / "report.html").read_text(encoding="utf-8")


def test_it_tells_what_a_model_is_and_what_a_gpu_needs(python: str, model_path: Path, tmp_path: Path) -> None:
    assert '"tokens": "char"' in fresh("info", model_path, "--json", python=python, cwd=tmp_path).stdout
    done = fresh("train", __file__, "-o", tmp_path / "new", "--device", "cuda", python=python, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "pip install 'longhand[train]'" in done.stderr
    assert not list(tmp_path.glob("new*"))


def test_its_public_types_are_seen_by_a_type_checker(python: str) -> None:
    code = "import pathlib, longhand; print((pathlib.Path(longhand.__file__).parent / 'py.typed').exists())"
    assert subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"
