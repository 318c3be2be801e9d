"""Escapes in options, and settings that can have no effect on what a model writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import VERSE, Run, small_file
from hypothesis import example, given
from hypothesis import strategies as st

from longhand.cli.interactive import Interactive
from longhand.config import SamplingConfig
from longhand.generation.unwritable import unwritable
from longhand.model import Model, load
from longhand.text.documents import separator
from longhand.text.escapes import escaped, unescaped
from longhand.text.tokenizer import tokenizer_from_record

TINY = ("--hidden", "8", "--layers", "1", "--embedding", "4", "--window", "16", "--epochs", "0.1")


def test_escapes_stand_for_characters_and_others_stay() -> None:
    assert unescaped(r"a\nb\tc\rd") == "a\nb\tc\rd"
    assert unescaped(r"\\n") == r"\n"
    assert unescaped(r"\u4e2d\u00e9") == "中é"
    for text in (r"\d", r"\u12", r"\ud83d", "\\", r"\N", r"\"", "中"):
        assert unescaped(text) == text


@example("\\\n")
@example("\\u0041\\")
@given(st.text(st.sampled_from("\\ntru0041\n\t\r中")))
def test_an_escaped_text_is_one_line_that_stands_for_the_same_text(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not {"\n", "\r", "\t"} & set(escaped(text))


def test_stop_ban_and_bias_understand_escapes(longhand: Run, model_path: Path) -> None:
    model = load(model_path)
    words = ("generate", model_path, "--seed", "3", "--length", "200")
    whole = model.generate(seed=3, length=200)
    assert "\n" in whole
    assert longhand(*words, "--stop", r"\n").stdout == whole[: whole.index("\n")]
    assert longhand(*words, "--ban", r"\n").stdout == model.generate(seed=3, length=200, ban="\n")
    assert longhand(*words, "--without", r"\n").stdout == model.generate(seed=3, length=200, without="\n")
    biased = longhand(*words, "--logit-bias", r"\n=9").stdout
    assert biased == model.generate(seed=3, length=200, logit_bias={"\n": 9}) != whole


def test_the_python_api_takes_texts_as_they_are(model: Model) -> None:
    assert model.generate(seed=3, length=100, stop=r"\n") == model.generate(seed=3, length=100)


@pytest.mark.parametrize(("option", "text"), [(r"\n%%\n", "\n%%\n"), (r"\t", "\t"), (r"\\", "\\")])
def test_documents_may_be_parted_by_escaped_characters(option: str, text: str, longhand: Run, tmp_path: Path) -> None:
    source = tmp_path / "songs.txt"
    source.write_text(text.join([VERSE.strip()] * 30), encoding="utf-8")
    done = longhand("train", source, "-o", tmp_path / "m", "--documents", option, *TINY)
    assert done.returncode == 0, done.stderr
    model = load(tmp_path / "m")
    assert model.card.training["documents"] == text
    assert len(longhand("check", source, "--documents", option, "--no-estimate").stdout) > 0
    (tmp_path / "s.toml").write_text(longhand("train", source, "--documents", option, *TINY, "--plan").stdout)
    assert longhand("train", source, "-o", tmp_path / "n", "--settings", tmp_path / "s.toml").returncode == 0
    assert load(tmp_path / "n").card.training["documents"] == text


def test_a_settings_file_has_toml_s_own_escapes_alone(longhand: Run, tmp_path: Path) -> None:
    source = tmp_path / "songs.txt"
    source.write_text(r"\n".join([VERSE.strip()] * 30), encoding="utf-8")
    (tmp_path / "s.toml").write_text(r"""documents = '\n'""")
    done = longhand("train", source, "-o", tmp_path / "m", "--settings", tmp_path / "s.toml", *TINY)
    assert done.returncode == 0, done.stderr
    assert load(tmp_path / "m").card.training["documents"] == r"\n"


def test_messages_show_a_separator_as_it_is_typed(longhand: Run, verse_path: Path, tmp_path: Path) -> None:
    done = longhand("train", verse_path, "-o", tmp_path / "m", "--documents", r"\n\\\n", *TINY)
    assert done.returncode == 2
    assert r"is --documents '\n\\\n' right?" in done.stderr
    found = longhand("check", verse_path, "--documents", r"\n\\\n", "--no-estimate")
    assert r"--documents '\n\\\n'" in found.stdout


def test_documents_are_written_apart_by_what_parts_them() -> None:
    assert separator("\n--\n") == "\n--\n" == separator("--")
    assert separator("\n\n") == "\n\n"


def test_typed_text_understands_the_same_escapes() -> None:
    written = Interactive(Model(small_file()).explore("a"), 0, lambda _: None)
    for line, text in ((r"b\nc", "b\nc"), (r"\\n", r"\n"), (r"/type 1\t2", "1\t2"), (r"\d", r"\d")):
        before = written._explorer.text
        assert written._do(line)
        assert written._explorer.text == before + text


def test_what_a_model_never_writes_is_said(longhand: Run, model_path: Path) -> None:
    words = ("generate", model_path, "--seed", "3", "--length", "40")
    plain = longhand(*words)
    for option, value in (("--stop", r"a\t"), ("--ban", "Ünd"), ("--without", "é"), ("--logit-bias", "é=5")):
        done = longhand(*words, option, value)
        assert done.returncode == 0, done.stderr
        assert done.stdout == plain.stdout
        noted = f"note: {option[2:].replace('-', ' ')}: the model never writes "
        assert noted in done.stderr
    assert "never writes" not in longhand(*words, "--stop", r"a\n", "--without", "E", "--logit-bias", "e=1").stderr


@pytest.mark.parametrize(
    "tokens", [{"kind": "byte"}, {"kind": "word", "words": ["the", " cat", "\n"], "spells": False}]
)
def test_what_can_be_written_is_known_for_every_kind_of_token(tokens: dict[str, object]) -> None:
    tokenizer = tokenizer_from_record(tokens)
    sampling = SamplingConfig(stop=("he c", "ж"), logit_bias={0: 1.0} if tokens["kind"] == "word" else None)
    found = list(unwritable(tokenizer, sampling))
    assert len(found) == (0 if tokens["kind"] == "byte" else 2)
