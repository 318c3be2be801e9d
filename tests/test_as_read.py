"""A model reads as its training read: normal form, encoding, column and documents, whatever gives it a text."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Run, small_file
from serving import running

import longhand as package
from longhand.copies.index import build_index
from longhand.learned import reading_of_other, whole_text
from longhand.model import Model
from longhand.text.documents import BOUNDARY
from longhand.text.normal_form import FormWatch

LINES = [f"Está el café número {number} y el piñón, señor." for number in range(60)]
TEXT = "".join(f"{line}\n" for line in LINES)
SMALL: dict[str, Any] = {"epochs": 0.05, "hidden": 8, "embedding": 8, "batch": 4, "window": 8}
PROMPT = "Está el café"


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def plain(text: str) -> bytes:
    return text.encode()


def windows(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def csv(text: str, separator: str = ",") -> bytes:
    rows = (f'{number}{separator}"{line}"\n' for number, line in enumerate(text.splitlines()))
    return f"id{separator}text\n{''.join(rows)}".encode()


def json_lines(text: str) -> bytes:
    return "".join(json.dumps({"m": {"t": line}, "id": 1}) + "\n" for line in text.splitlines()).encode()


def with_a_bad_row(text: str) -> bytes:
    return json_lines(text) + b'{"m": {"t": "cut \\ud83d"}}\n'


def page(text: str) -> bytes:
    lines = "<br>".join(html.escape(line) for line in text.splitlines())
    return f"<!doctype html><html><meta charset='utf-8'><body><p>{lines}</p></body></html>".encode()


Write = Callable[[str], bytes]
# By how a training reads: its settings, the name of its file, what writes a text so, and what spoils a text that is
# given as such, so that only a model that reads it as its training did finds in it what it knows.
OPTIONS: dict[str, tuple[dict[str, Any], str, Write, Callable[[str], str]]] = {
    "a form of its own": ({}, "a.txt", plain, decomposed),
    "normalised": ({"normalize": "NFD"}, "a.txt", plain, lambda text: unicodedata.normalize("NFC", text)),
    "windows line ends": (
        {},
        "a.txt",
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda t: t.replace("\n", "\r\n"),
    ),
    "windows-1252": ({"encoding": "windows-1252"}, "a.txt", lambda text: text.encode("cp1252"), decomposed),
    "utf-16": ({"encoding": "utf-16"}, "a.txt", lambda text: text.encode("utf-16"), decomposed),
    "detected": ({"encoding": "detect"}, "a.txt", lambda text: text.encode("cp1252"), decomposed),
    "column": ({"column": "text"}, "a.csv", csv, decomposed),
    "column and rows": ({"column": "text", "documents": "row"}, "a.csv", csv, decomposed),
    "separator": ({"column": "text", "separator": "~"}, "a.csv", lambda text: csv(text, "~"), decomposed),
    "bad rows": ({"column": "m.t", "skip_bad_rows": True}, "a.json", with_a_bad_row, decomposed),
    "known by content": ({"column": "m.t"}, "wiki_00", json_lines, decomposed),
    "lines": ({"documents": "line"}, "a.txt", plain, decomposed),
    "repaired": (
        {"fix_mojibake": True},
        "a.txt",
        lambda text: text.encode().decode("latin-1").encode(),
        lambda text: text.encode().decode("latin-1"),
    ),
    "page": ({}, "a.html", page, decomposed),
    "markup": ({"keep_markup": True}, "a.html", page, decomposed),
}


class Case:
    """A model trained with one option, files that are written as its text was, and what is in them."""

    def __init__(self, option: str, folder: Path) -> None:
        settings, name, self.write, self.spoil = OPTIONS[option]
        self.file, self.other = folder / name, folder / f"other-{name}"
        self.file.write_bytes(self.write(TEXT))
        self.content = TEXT if option != "markup" else page(TEXT).decode()
        if settings.get("normalize"):
            self.content = decomposed(TEXT)
        self.model: Model = package.train(self.file, folder / "m", **SMALL, **settings)
        self.path = folder / "m.safetensors"
        self.model = package.load(self.path)
        self.prompt = decomposed(PROMPT) if settings.get("normalize") else PROMPT

    def given(self, text: str) -> Path:
        """Write a text as that of the training was."""
        self.other.write_bytes(self.write(text))
        return self.other


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return {option: Case(option, tmp_path_factory.mktemp("model")) for option in OPTIONS}


@pytest.fixture(params=OPTIONS)
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    return cases[request.param]


def test_a_file_is_read_as_that_of_the_training(case: Case) -> None:
    assert whole_text(case.model.file, str(case.given(TEXT))) == case.content
    plain_text = case.other.with_name("other.txt")
    plain_text.write_bytes(case.spoil(TEXT).encode())
    expected = decomposed(TEXT) if case.model.card.training.get("normalize") else TEXT
    assert whole_text(case.model.file, str(plain_text)) == expected


IN_PYTHON: dict[str, Callable[[Model, str], Any]] = {
    "generate": lambda model, text: model.generate(text, length=9, seed=1),
    "stream": lambda model, text: "".join(model.stream(text, length=9, seed=1)),
    "texts": lambda model, text: [one.text for one in model.texts(text, count=2, length=9, seed=1)],
    "beam": lambda model, text: [one.text for one in model.texts(text, beam=2, length=9)],
    "stop": lambda model, text: model.task(stop=(text,), ban=[text], length=9).sampling.stop,
    "next": lambda model, text: model.next(text),
    "explore": lambda model, text: model.explore(text).text,
    "type": lambda model, text: typed(model, text),
    "score": lambda model, text: model.score(text).bits,
    "score in pieces": lambda model, text: model.score(iter(text)).bits,
    "log probabilities": lambda model, text: model.log_probabilities(text).tolist(),
    "inspect": lambda model, text: model.inspect(text, places=1).trace.surprise.tolist(),
    "gate values": lambda model, text: [one.text for one in model.gate_values(text).tokens],
    "adapt": lambda model, text: float(np.sum(model.adapted(text).file.weights["head.weight"])),
    "novelty": lambda model, text: model.novelty(text).characters,
}


def typed(model: Model, text: str) -> str:
    explorer = model.explore("E")
    explorer.append(text)
    return explorer.text


@pytest.mark.parametrize("way", IN_PYTHON)
def test_a_text_that_is_given_in_python_is_read_so(case: Case, way: str, tmp_path: Path) -> None:
    model = Model(case.model.file)
    if way == "novelty":
        model.__dict__["copies"] = build_index([TEXT], tmp_path / "copies", ["a"])
    text = f"{case.prompt}\n{case.prompt}"
    assert IN_PYTHON[way](model, case.spoil(text)) == IN_PYTHON[way](model, text)


def test_a_text_that_is_sent_is_read_so(cases: dict[str, Case], tmp_path: Path) -> None:
    names = {}
    for number, case in enumerate(cases.values()):
        names[f"m{number}"] = case
        case.model.save(tmp_path / f"m{number}")
    with running([tmp_path / f"{name}.safetensors" for name in names]) as server:
        for name, case in names.items():
            for path, field, wanted in sent(case.prompt):
                answers = [
                    server.post(path, {"model": name, field: text, **wanted})
                    for text in (case.prompt, case.spoil(case.prompt))
                ]
                assert [answer.status for answer in answers] == [200, 200]
                found = [{**answer.json, "id": "", "created": 0} for answer in answers]
                assert found[0] == found[1]


def sent(prompt: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return where a text may be sent, as which field, and what goes with it."""
    return [
        ("/v1/completions", "prompt", {"max_tokens": 9, "seed": 1, "echo": True, "logprobs": 2, "stop": [prompt]}),
        ("/v1/score", "input", {"per_token": True}),
        ("/v1/inspect", "input", {}),
    ]


def test_the_commands_read_files_so(case: Case, longhand: Run, tmp_path: Path) -> None:
    text = "".join(f"{line}\n" for line in LINES[:8])
    canonical = tmp_path / "canonical.txt"
    read = whole_text(case.model.file, str(case.given(text)))
    canonical.write_text(read, encoding="utf-8")

    def said(*arguments: object) -> str:
        done = longhand(*arguments)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    for command in (
        ("generate", case.path, "--no-echo", "--length", 9, "--seed", 1, "--prompt-file"),
        ("generate", case.path, "--no-echo", "--length", 9, "--seed", 1, "--adapt-to"),
        ("generate", case.path, "--length", 9, "--seed", 1, "--seed-from"),
        ("inspect", case.path, "--json", "--places", 1, "--text-file"),
    ):
        assert said(*command, case.other) == said(*command, canonical)
    scores = [json.loads(said("score", case.path, file, "--json")) for file in (case.other, canonical)]
    assert scores[0]["bits_per_character"] == scores[1]["bits_per_character"]
    assert scores[0]["characters"] == scores[1]["characters"]


def test_a_model_without_a_record_of_its_text_knows_its_form_by_its_characters() -> None:
    composed, parts = (
        Model(small_file(alphabet="".join(sorted(letters)))) for letters in ("Caféñ \n", "Cafen\u0301\u0303 \n")
    )
    assert (composed.normal_form, parts.normal_form) == ("NFC", "NFD")
    assert composed.as_read("Cafe\u0301") == "Café"
    assert parts.as_read("Café") == "Cafe\u0301"
    assert Model(small_file(alphabet="".join(sorted("क्षि \n")))).normal_form is None


def test_what_is_asked_for_comes_before_what_the_training_did(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(TEXT.encode("cp1252"))
    model = package.train(file, encoding="windows-1252", **SMALL)
    assert reading_of_other(model.file).fallback == "windows-1252"
    assert reading_of_other(model.file, {"encoding": "latin-1"}).encoding == "latin-1"
    assert reading_of_other(model.file, {"normalize": "NFD"}).normalize == "NFD"
    assert reading_of_other(model.file).normalize == "NFC"


def test_a_prompt_in_another_form_is_told(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    package.train(tmp_path / "a.txt", tmp_path / "m", **SMALL)
    done = longhand("generate", tmp_path / "m", "--prompt", decomposed(PROMPT), "--length", 3)
    assert "the prompt was read in the normal form NFC, as the text that the model learned from was" in done.stderr
    assert "does not know" not in done.stderr


@pytest.mark.parametrize("name", ["tab.txt", "deep.txt", "late.txt", "strings.txt", "utf16"])
def test_a_table_is_known_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    rows: dict[str, tuple[str, bytes]] = {
        "tab.txt": ("text", ("id\ttext\n" + "".join(f"{n}\t{line}\n" for n, line in enumerate(LINES))).encode()),
        "deep.txt": ("a.b.c.d", lines_of_json({"a": {"b": {"c": {"d": line}}}} for line in LINES)),
        "late.txt": ("t", lines_of_json([{"u": 1}, *({"t": line} for line in LINES)])),
        "strings.txt": ("t", json.dumps(LINES).encode()),
        "utf16": ("t", lines_of_json({"t": line} for line in LINES).decode().encode("utf-16")),
    }
    column, content = rows[name]
    (tmp_path / name).write_bytes(content)
    settings: dict[str, Any] = {"encoding": "utf-16"} if name == "utf16" else {}
    model = package.train(tmp_path / name, column=column, **settings, **SMALL)
    assert whole_text(model.file, str(tmp_path / name)) == TEXT
    (tmp_path / "plain.txt").write_text(TEXT, encoding="utf-8")
    told: list[str] = []
    assert whole_text(model.file, str(tmp_path / "plain.txt"), told.append) == TEXT
    assert f"no table with the column {column!r}: read whole" in told[0]


def lines_of_json(rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_a_form_is_told_from_all_of_a_text() -> None:
    watch = FormWatch()
    watch.look("é" * 200_000 + decomposed("é") * 200_000)
    assert watch.form is None


def test_a_bias_in_another_form_has_its_effect_on_the_command_line(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    package.train(tmp_path / "a.txt", tmp_path / "m", **SMALL)
    bias = [f"{form('é')}=20" for form in (str, decomposed)]
    written = [longhand("generate", tmp_path / "m", "--logit-bias", one, "--length", 9, "--seed", 1) for one in bias]
    assert written[0].stdout == written[1].stdout == "é" * 9
    assert "never writes" not in written[1].stderr


def test_a_seed_lies_within_a_document_and_rows_of_several_lines_are_adapted_to_whole(tmp_path: Path) -> None:
    rows = [f"{line}\nand more of {number}" for number, line in enumerate(LINES)]
    (tmp_path / "rows.jsonl").write_bytes(lines_of_json({"t": row} for row in rows))
    model = package.train(tmp_path / "rows.jsonl", column="t", documents="row", **SMALL)
    for seed in range(20):
        passage = model.passage(tmp_path / "rows.jsonl", seed=seed)
        assert any(row.startswith(passage) and passage for row in rows)
        assert not model.tokenizer.unknown_in(passage)
    adapted = model.adapted_to_file(str(tmp_path / "rows.jsonl")).file.weights["head.weight"]
    scorer = model.scorer(adapt=True)
    scorer.score("".join(f"{row}{BOUNDARY}" for row in rows) for _ in range(1))
    assert scorer.adapting is not None
    assert np.array_equal(adapted, scorer.adapting.weights()["head.weight"])
