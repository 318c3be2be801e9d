"""`longhand check`: what is planted in a text is found, and a plain text has none of it."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from conftest import VERSE, Run, assert_refused, corpus_file, fresh

import longhand as package
from longhand.checking.checker import Check, check_corpus
from longhand.checking.samples import cut, spread, whole_lines
from longhand.errors import CorpusError, OptionError

DRAW = random.Random(0)
WORDS = ["".join(DRAW.choice("abcdefghijklmnoprstuvwy") for _ in range(DRAW.randint(2, 9))) for _ in range(400)]
PLAIN = "".join(f"{' '.join(DRAW.choice(WORDS) for _ in range(DRAW.randint(3, 12)))}\n" for _ in range(800))
LINE_501 = sum(len(line) + 1 for line in PLAIN.split("\n")[:500])  # where it begins
KEYS = {*Check.__dataclass_fields__}
DOCUMENTED = (Path(__file__).parents[1] / "docs" / "check.md").read_text(encoding="utf-8")


def checked(text: str, **options: Any) -> Check:
    return check_corpus([io.StringIO(text)], estimate=False, **options)


def planted(what: str) -> Check:
    return checked(PLAIN[:LINE_501] + what + PLAIN[LINE_501:])


def codes(check: Check) -> list[str]:
    return [finding.code for finding in check.findings]


def found(check: Check, code: str) -> str:
    (finding,) = [finding for finding in check.findings if finding.code == code]
    assert finding.advice
    return finding.found


def test_a_plain_text_has_nothing_to_be_warned_of() -> None:
    check = checked(PLAIN)
    assert (check.findings, check.trainable, check.odd, check.mojibake, check.not_nfc) == ([], True, {}, None, 0)
    assert (check.characters, check.bytes, check.lines) == (len(PLAIN), len(PLAIN), 800)
    assert check.longest_line == max(map(len, PLAIN.split("\n")))
    assert check.line_ends == {"\n": 800, "\r\n": 0, "\r": 0}
    assert (check.blank_lines, check.trailing_spaces, check.tabs, check.leakage.copied) == (0, 0, 0, 0)


PLANTED = {
    "lost-characters": ("a\ufffdb \ufffd\n", "U+FFFD, 2 times, the first in text:501"),
    "control-characters": ("ring\x07\n", "1 time, the first in text:501: U+0007 BELL"),
    "invisible-characters": (
        "soft\u00adly\n\u200b\ufeff\n",
        "2 times, the first in text:502: U+200B ZERO WIDTH SPACE, U+FEFF",
    ),
    "private-characters": ("\ue000\n", "1 time, the first in text:501: U+E000"),
    "unassigned-characters": ("\n\ufdd1\n", "1 time, the first in text:502: U+FDD1"),
    "mojibake": ("cafÃ© and itâ€™s\n", "2 times, such as 'Ã©' for 'é' in text:501"),
    "not-nfc": ("cafe\u0301 nai\u0308ve \u212b\n", "3 characters are not in the normal form NFC"),
    "many-characters": ("".join(map(chr, range(0x4E00, 0x5600))), "2,073 different characters in"),
    "repeated-lines": ("the same once more, and again\n" * 900, "of the characters are in lines that occurred before"),
    "long-line": ("x" * 20_000 + "\n", "a line of 20,000 characters, text:501"),
}


@pytest.mark.parametrize("code", PLANTED)
def test_what_is_planted_is_found_where_it_is(code: str) -> None:
    what, expected = PLANTED[code]
    check = planted(what)
    assert expected in found(check, code)
    assert check.trainable


def test_copies_in_the_held_out_text_are_found() -> None:
    copied = PLAIN.split("\n")[100:140]
    check = checked(PLAIN + "\n".join(copied) + "\n", documents="none")
    assert check.leakage.longest >= len("\n".join(copied))
    assert (str(check.leakage.at), str(check.leakage.before)) == ("text:801", "text:101")
    assert "held-out text is copied from what is learned" in found(check, "leakage")


def test_copies_in_held_out_documents_are_found_where_they_are() -> None:
    long = [line for line in PLAIN.splitlines() if len(line) > 60]
    copies = [f"{line.upper()}!" for line in long]
    text = "\n\n".join([*PLAIN.splitlines(), *copies, ""])
    lines = text.split("\n")
    leakage = checked(text, documents="line").leakage
    assert 0.2 < leakage.share < 0.9
    assert leakage.at is not None
    assert leakage.before is not None
    at, before = (lines[place.line - 1] for place in (leakage.at, leakage.before))
    assert at != before
    assert at.upper().rstrip("!") == before.upper().rstrip("!")
    assert leakage.example.strip()[:40] in at


def test_the_end_of_a_running_text_that_is_unlike_the_rest_is_told() -> None:
    numbers = "".join(f"{number * 7919 % 99_991} + {number}\n" for number in range(300))
    assert "unlike the rest" in found(checked(PLAIN + numbers, documents="none"), "unlike-end")
    assert "unlike-end" not in codes(checked(PLAIN + numbers, documents="line"))


def test_lines_in_alphabetical_order_are_found() -> None:
    in_order = "".join(sorted(PLAIN.splitlines(keepends=True)))
    for documents, level in (("none", "harms"), ("line", "know")):
        check = checked(in_order, documents=documents)
        assert "100% of the lines are in alphabetical order" in found(check, "sorted")
        assert {finding.level for finding in check.findings if finding.code == "sorted"} == {level}
    again = checked(in_order[: len(in_order) // 9] * 9, documents="none")  # it begins again and again
    assert "sorted" not in codes(again)


def test_lines_are_described() -> None:
    check = planted("\n\ttabbed \n\t\tmore\t\n\n")
    assert (check.blank_lines, check.tabs, check.trailing_spaces) == (2, 4, 2)
    again = checked(PLAIN + "once more\n" * 3 + "end")
    assert ("once more", 3) in again.frequent_lines
    assert (again.repeated_lines.repeated, again.repeated_lines.repeated_characters) == (2, 18)
    assert again.lines == 804


def test_characters_are_described() -> None:
    check = planted("Größe Ελλάς Русский 中文 🙂\n")
    counts = check.scripts
    assert [counts[script] for script in ("Greek", "Cyrillic", "Han")] == [5, 7, 2]
    assert sum(counts.values()) == check.characters
    assert {"中", "文", "ö", "ß"} <= set(check.rare)
    assert check.rare_characters == sum(PLAIN.count(letter) for letter in check.rare) + sum(
        "Größe Ελλάς Русский 中文 🙂\n".count(letter) for letter in check.rare
    )


def test_documents_that_occur_twice_are_counted() -> None:
    poems = [f"title {number}\nfirst line of it\nsecond line {number * 7}\n" for number in range(100)]
    check = checked("\n".join([*poems, *poems[:10]]), documents="blank")
    assert check.documents is not None
    assert (check.documents.repeated.parts, check.documents.repeated.repeated) == (110, 10)
    assert check.documents.held_out in range(8, 15)
    assert check.documents.held_out_repeated == 0  # equal ones are on one side
    often = checked("\n".join([*poems, *poems[:5] * 40]), documents="blank")
    assert often.documents is not None
    assert often.documents.held_out_repeated > 10
    assert "known-documents" in codes(often)
    by_line = checked(PLAIN, documents="line").documents
    assert by_line is not None
    assert by_line.repeated.parts == 800


@pytest.mark.parametrize(("text", "mode", "code"), [(PLAIN, "<|end|>", "one-document"), ("\ufdd0", "line", "boundary")])
def test_documents_that_a_training_would_refuse_stop_it(text: str, mode: str, code: str) -> None:
    check = checked(PLAIN + text, documents=mode)
    assert (check.trainable, check.findings[0].code) == (False, code)
    with pytest.raises(CorpusError):
        package.train(io.StringIO(PLAIN + text), documents=mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "a.txt": PLAIN.encode(),
        "b.txt": b"caf\xe9\n" * 30,
        "c.txt": b"\0\1\2\xff" * 50,
        "d.txt": b"",
        "e.txt": b"x\n",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_of_many_files_each_problem_is_told_and_the_rest_is_checked(folder: Path) -> None:
    (folder / "f.txt").write_bytes(b"x\n")
    check = check_corpus([folder], estimate=False)
    assert not check.trainable
    assert (check.files, check.empty_files) == (6, [str(folder / "d.txt")])
    assert codes(check) == ["not-utf-8", "binary", "same-files"]
    assert "30 bytes are not UTF-8, at byte 3 (line 1), 8 (line 2), 13 (line 3) and on" in found(check, "not-utf-8")
    assert check.same_files == [[str(folder / "e.txt"), str(folder / "f.txt")]]
    assert check.characters == len(PLAIN) + 4 * 30 + 1 + 4 - 1
    assert [facts.file for facts in check.encodings] == [str(folder / "b.txt"), str(folder / "c.txt")]


def test_places_are_in_the_files_they_are_in(folder: Path) -> None:
    for name in ("b.txt", "c.txt"):
        (folder / name).unlink()
    (folder / "f.txt").write_text("one\ntwo\x07\n", encoding="utf-8")
    assert f"{folder / 'f.txt'}:2" in found(check_corpus([folder], estimate=False), "control-characters")


def test_one_screen_tells_a_person(longhand: Run, folder: Path) -> None:
    done = longhand("check", folder / "a.txt")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].endswith("characters: can be learned from, nothing found that would trip a training")
    assert len(lines) <= 40
    assert max(map(len, lines[1:-1])) <= 100
    for word in ("lines ", "characters ", "repeats ", "held out ", "tokens ", "documents ", "5 minutes "):
        assert any(line.startswith(word) for line in lines), word
    assert "bits per character, an estimate" in " ".join(done.stdout.split())
    assert lines[-1].startswith(f"Next: longhand train {folder / 'a.txt'}")


def test_what_a_training_would_refuse_comes_first_and_ends_with_2(longhand: Run, folder: Path) -> None:
    done = longhand("check", folder, "--no-estimate")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.splitlines()[1] == "What stops a training"
    assert "Next:" not in done.stdout
    assert "bits per character" not in done.stdout
    assert longhand("train", folder, "-o", folder / "m").returncode == 2


def test_a_short_text_is_told_that_it_is_short(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("short\n", encoding="utf-8")
    done = longhand("check", tmp_path / "short.txt")
    assert done.returncode == 2
    assert "6 characters, expected at least 1,000" in done.stdout


def test_a_program_reads_json_with_these_keys(longhand: Run, folder: Path) -> None:
    done = longhand("check", folder / "a.txt", "--json", "--minutes", 1)
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert set(facts) == KEYS
    assert all(f"`{key}`" in DOCUMENTED for key in KEYS)
    assert facts["tokens"]["value"] == "char"
    assert facts["estimate"]["minutes"] == 1
    assert 0 < facts["estimate"]["low"] < facts["estimate"]["high"]
    refused = longhand("check", folder, "--json", "--no-estimate")
    assert refused.returncode == 2
    facts = json.loads(refused.stdout)
    assert facts["estimate"] is None
    assert {"level", "code", "found", "advice"} == set(facts["findings"][0])
    assert facts["encodings"][0]["bad"][0] == {"byte": 3, "line": 1}


BAD_CHECKS = {
    "missing": (["absent.txt"], "absent.txt: not found"),
    "empty": (["empty.txt"], "empty.txt is empty; expected a text"),
    "empty folder": (["folder"], "folder: an empty folder; expected text files in it"),
    "binary": (["binary.bin"], "binary.bin is a binary file, with a NUL at byte 4, so there is no text to check"),
    "utf-16": (
        ["utf16.txt"],
        "UTF-16, so there is no text to check: train with --encoding utf-16, or convert",
    ),
    "bad bytes alone": (
        ["bad.txt"],
        "bad.txt: 100 bytes are not UTF-8, at byte 0 (line 1), 1 (line 1), 2 (line 1)",
    ),
    "twice": (["good.txt", "good.txt"], "good.txt is given twice"),
    "no time": (["good.txt", "--minutes", "0"], "minutes: found 0.0, expected a number > 0.0"),
    "no documents": (["good.txt", "--documents", ""], "documents: found '', expected text of length >= 1"),
    "nothing": ([], "Missing argument 'CORPUS...'"),
}


@pytest.mark.parametrize("case", BAD_CHECKS)
def test_where_there_is_nothing_to_check_one_line_says_so(
    longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"empty.txt": b"", "binary.bin": b"GIF8\0\1\2" * 300, "utf16.txt": ("hello" * 300).encode("utf-16")}
    files |= {"good.txt": PLAIN.encode(), "bad.txt": b"\xff" * 100}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()
    arguments, message = BAD_CHECKS[case]
    done = longhand("check", *arguments)
    assert_refused(done, message)
    assert done.stdout == ""


def test_standard_input_is_checked(tmp_path: Path) -> None:
    done = fresh("check", "-", "--no-estimate", "--json", input=PLAIN + "bell\x07\n", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["characters"] == len(PLAIN) + 6
    assert facts["odd"]["control"]["first"] == {"file": "standard input", "line": 801, "column": None}


def test_what_a_text_says_does_not_reach_the_terminal(longhand: Run, tmp_path: Path) -> None:
    (tmp_path / "evil.txt").write_text(PLAIN + "\x1b]0;title\x07 again\n" * 50, encoding="utf-8")
    done = longhand("check", tmp_path / "evil.txt", "--no-estimate")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "again" in done.stdout


def test_python_has_it_too() -> None:
    check = package.check(io.StringIO(PLAIN), estimate=False)
    assert check.characters == len(PLAIN)
    with pytest.raises(OptionError, match="minutes"):
        package.check(io.StringIO(PLAIN), minutes=-1)


def test_the_estimate_holds_what_was_reached_by_real_trainings() -> None:
    for documents, reached in (("none", 1.957), ("line", 2.843)):  # LOG.md
        check = check_corpus([corpus_file("names.txt")], documents=documents)
        assert check.estimate is not None
        assert check.estimate.low < reached < check.estimate.high


def test_slices_are_spread_over_a_text_and_cut_out_of_its_pieces() -> None:
    text = VERSE * 30
    spans = spread(100, 2000, 300, 3)
    assert (spans[0][0], spans[-1][1], len(spans)) == (100, 2000, 3)
    assert spread(0, 10, 300, 3) == [(0, 10)]
    pieces = [text[begin : begin + 7] for begin in range(0, len(text), 7)]
    assert cut(pieces, [spans, [(0, 5)]]) == [[text[begin:end] for begin, end in spans], [text[:5]]]
    assert whole_lines("rt of a line\nwhole\none mo") == "whole\n"
    assert whole_lines("no line end") == "no line end"
