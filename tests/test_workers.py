"""Several processes that count and number words: as one does, whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from conftest import VERSE
from hypothesis import example, given
from hypothesis import strategies as st

from longhand.errors import CorpusError
from longhand.text import counting
from longhand.text.counting import counted
from longhand.text.segments import segments
from longhand.text.words import WordTokenizer
from longhand.text.workers import Workers

PIECES = [f"{VERSE} {number}\n" for number in range(7)]


@pytest.mark.parametrize("processes", [1, 2, 9])
def test_words_are_counted_alike_in_any_number_of_processes(processes: int) -> None:
    assert counted(iter(PIECES), processes) == Counter(segments("".join(PIECES)))


def test_answers_come_in_the_order_of_the_pieces() -> None:
    task = {"tokenizer": WordTokenizer(["x"]).to_record(), "ends": ""}
    with closing(Workers(3, task)) as workers:
        pieces = [(0, "x" * number) for number in range(20)]
        answers = list(workers.answers(iter(pieces)))
    assert [piece for piece, _ in answers] == pieces
    assert [len(answer) for _, answer in answers] == [0 if number == 0 else 4 * number for number in range(20)]


def test_a_process_that_ended_is_an_error_and_none_is_left() -> None:
    workers = Workers(2, {"rule": "uax29"})
    children = [child.pid for child in workers._children]
    with closing(workers):
        answers = workers.answers((0, piece) for piece in PIECES)
        next(answers)
        os.kill(children[0], signal.SIGKILL)
        with pytest.raises(CorpusError, match="a process that cuts the text into words ended"):
            list(answers)
    for child in children:
        assert not Path(f"/proc/{child}/cmdline").exists()


def test_processes_end_when_a_reader_stops_in_the_middle() -> None:
    workers = Workers(2, {"rule": "uax29"})
    children = [child.pid for child in workers._children]
    with closing(workers):
        next(workers.answers((0, piece) for piece in PIECES))
    for child in children:
        assert not Path(f"/proc/{child}/cmdline").exists()


@given(st.lists(st.sampled_from("abcdefgh"), max_size=200), st.integers(1, 4))
@example(list("abcdx" * 2 + "eeeabcd" * 3), 4)  # a word that is frequent only late in the text
def test_frequent_words_are_found_however_few_may_be_remembered(words: list[str], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "MOST_WORDS", most)
        found = counted(iter(words))
    true = Counter(words)
    assert len(found) <= most
    for word, count in found.items():
        assert count <= true[word]
    for word, count in true.items():
        if count > len(words) / (most + 1) + 1 and most > 1:
            assert word in found


def test_a_signal_ends_all_of_them_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("".join(f"word{number} " for number in range(400_000)), encoding="utf-8")
    script = (
        "from longhand.text import preparing; from longhand.text.vocabulary import Wanted\n"
        "preparing.KEPT_FROM = dict.fromkeys(preparing.KEPT_FROM, 0); preparing.processors = lambda: 2\n"
        "tell = lambda what, share: print(what, flush=True)\n"
        f"preparing.encode_corpus([{str(tmp_path / 'text.txt')!r}], wanted=Wanted('word', 9), tell=tell)\n"
    )
    environment = {**os.environ, "LONGHAND_CACHE": str(tmp_path / "cache")}
    patched = "import longhand.text.progress as p; p.PAUSE = 0\n" + script
    process = subprocess.Popen(
        [sys.executable, "-c", patched], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    while process.stdout.readline() != "counting\n":
        pass
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)  # which waits for the children too: they have its standard error
    assert process.returncode == -signal.SIGTERM
    assert errors == ""
