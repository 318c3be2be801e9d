"""The command line: what it prints where, how it ends, and what it says to bad input."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import VERSE, Run, assert_refused, fresh, small_file

from longhand.model import load
from longhand.modelfile import Card, write_model
from longhand.version import VERSION

QUICK = ["--epochs", "1", "--hidden", "8", "--threads", "1"]


def test_train_then_info_then_generate(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "verse.safetensors"
    trained = longhand("train", verse_path, "-o", out, *QUICK)
    assert (trained.returncode, trained.stderr) == (0, "")
    assert re.search(r"held out \d\.\d{3} bits per character, the best\. It writes:\n    ", trained.stdout)
    assert f"{out} holds the model, {tmp_path}/verse.run/report.html shows how it learned. Next: " in trained.stdout
    facts = json.loads(longhand("info", out, "--json").stdout)
    expected = {"tokens": "char", "vocabulary_size": load(out).tokenizer.size, "layers": 2, "hidden": 8}
    assert expected.items() <= facts.items()
    assert facts["parameters"] == load(out).file.parameters
    assert f"{facts['validation_bits_per_character']:.3f} bits" in trained.stdout
    assert facts["trained_seconds"] > 0
    one, two = (longhand("generate", out, "--prompt", "the", "--length", 100, "--seed", 1) for _ in range(2))
    assert one.stdout == two.stdout
    assert len(one.stdout) == 103
    assert one.stdout.startswith("the")
    assert re.fullmatch(r"longhand: note: 100 characters at [\d,]+ characters/s, --seed 1\n", one.stderr)


def test_the_command_line_and_the_api_write_the_same(longhand: Run, model_path: Path) -> None:
    expected = load(model_path).generate("a bird", length=60, temperature=0.5, seed=9)
    options = ["--prompt", "a bird", "--length", 60, "--temperature", 0.5, "--seed", 9]
    assert longhand("generate", model_path, *options).stdout == "a bird" + expected


def test_a_seed_that_was_drawn_is_reported_and_writes_the_same_again(longhand: Run, model_path: Path) -> None:
    first = longhand("generate", model_path, "--length", 50)
    seed = first.stderr.split("--seed ")[1].strip()
    assert longhand("generate", model_path, "--length", 50, "--seed", seed).stdout == first.stdout


def test_info_for_a_person_names_every_fact(longhand: Run, model_path: Path) -> None:
    facts = json.loads(longhand("info", model_path, "--json").stdout)
    shown = longhand("info", model_path).stdout
    assert all(name.replace("_", " ") in shown for name in facts)


def test_unseen_characters_in_a_prompt_are_noted_and_read_as_unknown(longhand: Run, model_path: Path) -> None:
    done = longhand("generate", model_path, "--prompt", "né 中", "--length", 10, "--seed", 1)
    assert done.returncode == 0
    assert done.stdout.startswith("né 中")
    assert "note: the model does not know 'é', '中': read as the unknown token\n" in done.stderr


def test_notes_on_the_corpus_go_to_stderr(longhand: Run, tmp_path: Path) -> None:
    path = tmp_path / "dos.txt"
    path.write_bytes(b"\xef\xbb\xbf" + (VERSE * 20).replace("\n", "\r\n").encode())
    done = longhand("train", path, "-o", tmp_path / "m", *QUICK)
    assert done.returncode == 0
    assert done.stderr == (
        f"longhand: note: {path}: a byte order mark was dropped\nlonghand: note: {path}: line ends \\r\\n became \\n\n"
    )


def test_the_model_is_named_after_the_text(longhand: Run, verse_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(verse_path.parent)
    assert longhand("train", "verse.txt", *QUICK).returncode == 0
    assert Path("verse.safetensors").exists()
    assert Path("verse.run", "log.jsonl").exists()


def test_standard_input_is_a_corpus(tmp_path: Path) -> None:
    done = fresh("train", "-", "-o", tmp_path / "m", *QUICK, input=VERSE * 20)
    assert (done.returncode, done.stderr) == (0, "")
    assert load(tmp_path / "m.safetensors").card.corpus == ["standard input"]


def test_without_arguments_it_says_what_it_can_do(longhand: Run) -> None:
    done = longhand()
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("train", "generate", "info", "demo"))
    assert done.stdout == longhand("--help").stdout == longhand("-h").stdout


def test_the_version_is_printed(longhand: Run) -> None:
    assert longhand("--version").stdout == f"longhand {VERSION}\n"


def test_help_shows_each_default_as_the_settings_state_it(longhand: Run) -> None:
    shown = " ".join(longhand("train", "--help").stdout.split())
    assert "minutes to train for, reading and scoring included [default: 5.0]" in shown
    assert "LSTM layers [default: planned; classic: 2]" in shown
    assert "[default: planned; classic: 0.001]" in shown
    assert "[default: none; classic: 20]" in shown
    assert "[default: 0.8; models of documents: 1; classic models: 0]" in " ".join(
        longhand("generate", "--help").stdout.split()
    )


def test_a_closed_pipe_ends_the_writing_quietly(model_path: Path) -> None:
    command = [sys.executable, "-m", "longhand", "generate", str(model_path), "--length", "1000000000", "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert len(process.stdout.read(10)) == 10
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert re.fullmatch(
            rb"longhand: note: \d+ characters at [\d,]+ characters/s, --seed 1\n", process.stderr.read()
        )


@pytest.mark.parametrize("words", [["bench", "--shape", "16x1", "--vocabulary", "12", "--rounds", "1"], ["info"]])
def test_a_pipe_that_nobody_reads_ends_what_is_printed_quietly(words: list[str], model_path: Path) -> None:
    command = [sys.executable, "-m", "longhand", *words, *([str(model_path)] if words == ["info"] else [])]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_text_comes_while_it_is_written(model_path: Path) -> None:
    command = [sys.executable, "-m", "longhand", "generate", str(model_path), "--length", "1000000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        assert process.poll() is None
        process.kill()


def test_a_reader_that_leaves_does_not_end_a_training(verse_path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "longhand", "train", str(verse_path), "-o", str(tmp_path / "m"), *QUICK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr and process.stderr.read()) == (0, b"")
    assert load(tmp_path / "m.safetensors").card.trained_epochs > 0


def test_a_training_says_at_once_that_it_reads(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    assert longhand("train", verse_path, "-o", tmp_path / "m", *QUICK).stdout.startswith("reading ...\n")


def test_with_stderr_closed_the_text_stays_clean(model_path: Path) -> None:
    command = f"{sys.executable} -m longhand generate {model_path} --length 20 --seed 1 2>&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    assert done.stdout == load(model_path).generate(length=20, seed=1)


def test_info_shows_a_foreign_card_without_obeying_it(longhand: Run, tmp_path: Path) -> None:
    card = Card(corpus=["\x1b]0;title\x07", "a\nlayers   99"])
    write_model(replace(small_file(), card=card), tmp_path / "m.safetensors")
    shown = longhand("info", tmp_path / "m").stdout
    assert "\x1b" not in shown
    assert len([line for line in shown.splitlines() if line.startswith("layers")]) == 1


def test_a_name_that_is_not_utf8_trains(longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    (tmp_path / name).write_text(VERSE * 20, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert longhand("train", name, "-o", "m", *QUICK).returncode == 0
    assert load("m").card.corpus == ["caf\ufffd.txt"]


def test_what_to_type_next_can_be_pasted_into_a_shell(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "my model.safetensors"
    assert f"Next: longhand generate '{out}'\n" in longhand("train", verse_path, "-o", out, *QUICK).stdout


def start_training(path: Path, out: Path) -> subprocess.Popen[str]:
    """Start a training that would take hours, and wait until it has begun to learn."""
    command = [sys.executable, "-u", "-m", "longhand", "train", str(path), "-o", str(out), "--epochs", "1000000"]
    process = subprocess.Popen(
        [*command, "--hidden", "8", "--threads", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "left" not in (line := process.stdout.readline()):
        assert line
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_early_and_leaves_a_scored_model(
    verse_path: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with start_training(verse_path, tmp_path / "m") as process:
        time.sleep(0.3)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 128 + number
    assert f"ended early ({'Ctrl-C' if number == signal.SIGINT else 'SIGTERM'})" in out
    assert err == ""
    model = load(tmp_path / "m.safetensors")
    assert model.card.stopped_by == signal.Signals(number).name
    assert model.card.validation_bits_per_character is not None
    assert len(model.generate(length=10)) == 10


def test_a_terminal_shows_a_bar_with_percent_time_speed_and_scores(verse_path: Path, tmp_path: Path) -> None:
    main, terminal = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "longhand",
        "train",
        str(verse_path),
        "-o",
        str(tmp_path / "m"),
        "--minutes",
        "0.03",
    ]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([*command, "--hidden", "8"], stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        shown = b"".join(iter(lambda: _read_terminal(main), b""))
        assert process.wait(timeout=30) == 0
    os.close(main)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode("utf-8"))
    assert re.search(r"\d+% ━{8,}.* 0:0\d left, [\d,]+ chars/s, train \d\.\d{3}, held out \d\.\d{3} bits", text)
    assert "It writes:" in text


def _read_terminal(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


HEAVY = ("torch", "numpy", "rich", "jinja2")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['longhand', *sys.argv[1:]]\n"
        "from longhand.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_generate_info_and_the_import_never_import_torch(model_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"  # any import of it now fails
        "import longhand; longhand.load, longhand.train, longhand.Model\n"
        "from longhand.cli.main import main\n"
        "sys.argv = ['longhand', *sys.argv[1:]]\nmain()"
    )
    for arguments in (["generate", str(model_path), "--length", "20"], ["info", str(model_path)]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    train = [sys.executable, "-c", code, "train", __file__, "-o", str(model_path.with_name("new"))]
    for arguments, environment, message in (
        (["--device", "cuda"], {}, "torch is not installed, and this needs it: pip install 'longhand[train]'"),
        (["--recipe", "classic"], {}, "torch is not installed, and this needs it: pip install 'longhand[train]'"),
        (
            [],
            {"LONGHAND_NATIVE": "0"},
            "torch is not installed, and the engine in C is not here (LONGHAND_NATIVE=0 says",
        ),
    ):
        environment = {**os.environ, **environment}
        done = subprocess.run([*train, *arguments], capture_output=True, text=True, check=False, env=environment)
        assert_refused(done, message)


def test_the_demo_learns_from_the_standard_library(longhand: Run, tmp_path: Path) -> None:
    done = longhand("demo", "-o", tmp_path / "demo.safetensors", "--minutes", "0.03")
    assert done.returncode == 0
    assert all(line.startswith("longhand: note: ") for line in done.stderr.splitlines())  # of a machine that is busy
    for part in ("files of the standard library", "Before it has learned", "seconds it writes:", "longhand train book"):
        assert part in done.stdout
    assert done.stdout.count("    def ") >= 2  # the prompt, before and after
    assert done.stdout.index("Before") < done.stdout.index("It writes:") < done.stdout.index("seconds it writes:")
    assert load(tmp_path / "demo.safetensors").card.corpus[0].endswith(".py")


def test_a_program_reads_one_event_a_line(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    done = longhand("train", verse_path, "-o", tmp_path / "m", *QUICK, "--json-lines")
    assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[1], kinds[-2:]) == ("started", "step", ["evaluated", "finished"])
    assert events[-1]["output"] == str(tmp_path / "m.safetensors")
    assert events[-1]["card"]["validation_bits_per_character"] == pytest.approx(
        events[-2]["validation_bits_per_character"], abs=1e-4
    )
    log = [json.loads(line) for line in (tmp_path / "m.run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [event for event in log if event["event"] != "step"] == [
        event for event in events if event["event"] != "step"
    ]


def test_a_training_goes_on_where_no_program_reads_its_lines(verse_path: Path, tmp_path: Path) -> None:
    words = ["train", str(verse_path), "-o", str(tmp_path / "m"), "--json-lines", *map(str, QUICK)]
    with subprocess.Popen([sys.executable, "-m", "longhand", *words], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0
    assert load(tmp_path / "m").card.validation_bits_per_character is not None


def test_a_prompt_of_another_system_is_read_as_texts_are(longhand: Run, model_path: Path, tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_bytes("\ufeffthe cat\r\nsat\r\n".encode())
    words = ("generate", model_path, "--seed", "1", "--length", "20")
    done = longhand(*words, "--prompt-file", tmp_path / "prompt.txt")
    assert done.stdout == longhand(*words, "--prompt", "the cat\nsat").stdout
    assert "does not know" not in done.stderr
