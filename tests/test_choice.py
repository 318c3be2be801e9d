"""What runs a model: the kernel or NumPy, and what is said about it. Without a kernel everything still works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Finished, assert_refused, fresh, needs_kernel, small_file

import longhand as package
from longhand.config import NetworkConfig
from longhand.generation import loop
from longhand.model import Model, load
from longhand.native import loading
from longhand.native import processors as processors_module
from longhand.native.processors import processors
from longhand.runtime.choice import precision
from longhand.runtime.native import library

ROOT = Path(__file__).parents[1]
# Written once by the NumPy session, kept so that no change of the sampler, the loop or a runtime goes unseen.
GOLDEN = "flbmj azrkpfg  uu\ngakombrokgx bieoqrtcsemeubkprazgkg ehn ydmiixwpfclcl \nmizimiti"


@pytest.fixture
def reload() -> Iterator[Callable[[], None]]:
    """Make the process forget which kernel it found, now and at the end."""
    library._loaded.cache_clear()
    yield library._loaded.cache_clear
    library._loaded.cache_clear()


@pytest.mark.parametrize("switch", ["0", "1", "portable", ""])
def test_the_golden_text_is_written_by_every_runtime(
    switch: str, monkeypatch: pytest.MonkeyPatch, reload: Callable[[], None]
) -> None:
    monkeypatch.setenv(loading.SWITCH, switch)
    reload()
    model = Model(small_file())
    assert (model.runtime.name == "numpy") == (switch == "0" or not library.FILE.exists())
    assert model.generate("the cat", length=80, temperature=1.0, seed=20) == GOLDEN


@needs_kernel
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_long_texts_are_the_same_in_numpy_and_in_the_kernel_whatever_the_pieces(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"length": 3000, "temperature": 1.0, "seed": seed, "top_k": 20, "top_p": 0.95, "min_p": 0.01}
    model = Model(small_file(hidden=33, layers=3))
    native = model.generate("a", **options)
    monkeypatch.setattr(loop, "LARGEST_PIECE", 7)
    assert model.generate("a", **options) == native
    monkeypatch.setenv(loading.SWITCH, loading.OFF)
    other = Model(small_file(hidden=33, layers=3))
    assert (model.runtime.name, other.runtime.name) == ("native-fp32", "numpy")
    assert other.generate("a", **options) == native


def test_switched_off_numpy_runs_and_nobody_is_bothered(model_path: Path) -> None:
    environment = {"env": {**os.environ, loading.SWITCH: "0"}}
    words = ["-m", "longhand", "generate", str(model_path), "--length", "20", "--seed", "1"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True, **environment)  # type: ignore[call-overload]
    assert done.stdout == load(model_path).generate(length=20, seed=1)
    assert done.stderr.count("\n") == 1  # the speed


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "it was not built when Longhand was installed, for want of a C compiler (gcc or clang)"),
        (b"no library", "it cannot be loaded ("),
    ],
)
def test_without_a_kernel_numpy_runs_with_one_notice(
    content: bytes | None,
    reason: str,
    model_path: Path,
    tmp_path: Path,
    longhand: Callable[..., Finished],
    monkeypatch: pytest.MonkeyPatch,
    reload: Callable[[], None],
) -> None:
    text = load(model_path).generate(length=50, seed=3)
    if content is not None:
        (tmp_path / "other.so").write_bytes(content)
    monkeypatch.setattr(library, "FILE", tmp_path / "other.so")
    reload()
    done = longhand("generate", model_path, "--length", 50, "--seed", 3)
    assert done.stdout == text
    assert done.stderr.count("NumPy runs this model, the kernel in C would be many times faster") == 1
    assert reason in done.stderr
    facts = json.loads(longhand("info", model_path, "--json").stdout)
    assert (facts["runtime"], facts["precision"], facts["instructions"]) == ("numpy", "fp32", "")
    assert facts["runtime_notice"].startswith(reason)


@needs_kernel
def test_a_kernel_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch, reload: Callable[[], None]) -> None:
    monkeypatch.setattr(library, "INTERFACE", -1)
    reload()
    kernel, reason = library.found()
    assert kernel is None
    assert "another version of Longhand" in reason


@needs_kernel
def test_info_says_what_runs_the_model_and_why(model_path: Path, longhand: Callable[..., Finished]) -> None:
    facts = json.loads(longhand("info", model_path, "--json").stdout)
    assert (facts["runtime"], facts["precision"], facts["runtime_notice"]) == ("native-fp32", "fp32", "")
    assert facts["precision_reason"] == "auto: fp32 reads 0.0 MB a token, int8 is for more than 8"
    facts = json.loads(longhand("info", model_path, "--json", "--precision", "int8").stdout)
    assert (facts["runtime"], facts["precision_reason"]) == ("native-int8", "as asked for")
    assert facts["instructions"] in ("avx2", "neon", "portable")


@needs_kernel
def test_auto_takes_int8_for_large_networks_where_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, _ = library.found()
    small, large = (NetworkConfig(vocabulary_size=65, hidden=hidden) for hidden in (256, 512))
    monkeypatch.setattr(kernel, "instructions", 1)
    assert (precision(small, "auto", kernel), precision(large, "auto", kernel)) == ("fp32", "int8")
    assert precision(small, "int8", kernel) == "int8"
    assert precision(large, "fp32", kernel) == "fp32"
    monkeypatch.setattr(kernel, "instructions", 0)
    assert precision(large, "auto", kernel) == "fp32"
    assert precision(large, "int8", None) == "fp32"


def test_int8_without_the_kernel_is_noted(
    model_path: Path, longhand: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(loading.SWITCH, loading.OFF)
    done = longhand("generate", model_path, "--length", 5, "--precision", "int8")
    assert "int8 needs the kernel in C: read with 32-bit floats" in done.stderr


def test_threads_without_the_kernel_are_noted(
    model_path: Path, longhand: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(loading.SWITCH, loading.OFF)
    assert "NumPy itself decides" in longhand("generate", model_path, "--length", 5, "--threads", 2).stderr
    assert json.loads(longhand("info", model_path, "--json").stdout)["threads"] is None


def test_a_training_is_refused_before_it_begins_if_the_switch_says_neither(
    verse_path: Path, tmp_path: Path, longhand: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(loading.SWITCH, "perhaps")
    done = longhand("train", verse_path, "-o", tmp_path / "new", "--minutes", 0.05)
    assert_refused(done, "LONGHAND_NATIVE: found 'perhaps' in the environment")
    assert not list(tmp_path.glob("new*"))


def test_a_switch_that_says_neither_is_refused(
    model_path: Path, longhand: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(loading.SWITCH, "perhaps")
    assert_refused(
        longhand("generate", model_path), "LONGHAND_NATIVE: found 'perhaps' in the environment, expected 0, 1"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--precision", "fp16"], "'fp16' is not one of"),
        (["--threads", 0], "threads: found 0, expected a whole number >= 1"),
        (["--threads", 65], "threads: found 65, expected a whole number <= 64"),
        (["--top-k", 0], "top k: found 0"),
        (["--top-p", 1.5], "top p: found 1.5"),
        (["--top-p", "nan"], "top p: found nan"),
        (["--min-p", -1], "min p: found -1"),
    ],
)
def test_nonsense_is_refused(
    words: list[object], message: str, model_path: Path, longhand: Callable[..., Finished]
) -> None:
    assert_refused(longhand("generate", model_path, *words), message)


def test_a_container_s_share_of_the_processors_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert processors() >= 1
    monkeypatch.setattr(processors_module, "QUOTA", tmp_path / "cpu.max")
    free = processors()
    for quota, expected in (
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("max 100000", free),
        ("900000 100000", min(9, free)),
    ):
        (tmp_path / "cpu.max").write_text(quota, encoding="ascii")
        assert processors() == expected


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a copy of what an install builds from, without anything built."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info"))
    return tmp_path


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false", "cc"])
def test_an_install_builds_the_kernel_or_does_without(source: Path, compiler: str, model_path: Path) -> None:
    if compiler == "cc" and shutil.which(compiler) is None:
        pytest.skip("no compiler here")
    environment = {**os.environ, "CC": compiler}
    environment.pop("PYTHONWARNINGS", None)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build", "--build-lib", "built"],
        cwd=source,
        env=environment,
        check=True,
        capture_output=True,
    )
    built = list((source / "built").rglob(library.FILE.name))
    assert len(built) == (1 if compiler == "cc" else 0)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import longhand\n"
    code += "print(longhand.load(sys.argv[2]).generate(length=40, seed=8))"
    words = [sys.executable, "-c", code, str(source / "built"), str(model_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == load(model_path).generate(length=40, seed=8) + "\n"


def test_neither_torch_nor_scipy_is_imported_to_write(model_path: Path) -> None:
    code = (
        "import sys; from longhand.cli.main import main\n"
        f"sys.argv = ['longhand', 'generate', {str(model_path)!r}, '--length', '5']\n"
        "try: main()\n"
        "finally: print(sorted({'torch', 'scipy', 'onnx', 'onnxruntime', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_the_package_offers_its_settings() -> None:
    assert package.RunConfig(precision="int8", threads=2).threads == 2
    assert fresh("info", "--help").stdout.count("--precision") == 1
