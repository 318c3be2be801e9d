"""The bytes of files, as a check sees them: what is no UTF-8, where, and what it may be."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from conftest import VERSE
from hypothesis import given
from hypothesis import strategies as st

from longhand.checking import encodings
from longhand.checking.checked_text import CheckedText
from longhand.checking.encodings import BadByte, ByteCheck, FileFacts, file_findings
from longhand.text.corpus import CorpusReader
from longhand.text.reading import PLAIN
from longhand.text.sources import File

plain = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
sizes = st.integers(1, 9)


def facts(data: bytes, size: int = 1 << 20) -> FileFacts:
    check = ByteCheck("text.txt")
    for begin in range(0, len(data), size):
        check.take(data[begin : begin + size])
    return check.end()


def codes(data: bytes) -> list[str]:
    return [finding.code for finding in file_findings(facts(data), File(Path("text.txt")))]


@given(st.lists(plain, min_size=1, max_size=5), st.sampled_from([b"\xff", b"\xfe", b"\xc0", b"\xf8"]), sizes)
def test_bad_bytes_are_found_where_they_are_whatever_is_around_them(parts: list[str], bad: bytes, size: int) -> None:
    data = bad.join(part.encode() for part in parts)
    found = facts(data, size)
    places = [len(bad.join(part.encode() for part in parts[:count])) for count in range(1, len(parts))]
    lines = [data[:place].decode("utf-8", "ignore").replace("\r\n", "\n").replace("\r", "\n") for place in places]
    expected = [BadByte(place, line.count("\n") + 1) for place, line in zip(places, lines, strict=True)]
    assert found.bad_bytes == len(expected)
    assert found.bad == expected[: encodings.MOST_PLACES]
    assert not found.cut
    assert found.is_utf8 == (not expected)


@given(plain, sizes)
def test_lines_and_their_ends_are_counted_over_pieces(text: str, size: int) -> None:
    data = text.encode()
    found = facts(data, size)
    both = data.count(b"\r\n")
    expected = {"\n": data.count(b"\n") - both, "\r\n": both, "\r": data.count(b"\r") - both}
    assert found.line_ends == expected
    ends = io.StringIO(text, newline=None).read()
    assert found.lines == ends.count("\n") + (ends != "" and not ends.endswith("\n"))


@given(st.lists(plain, max_size=4))
def test_the_text_is_the_one_that_a_training_reads(texts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        files = {f"/{number}": text.encode() for number, text in enumerate(texts)}
        patch.setattr(Path, "exists", lambda _: True)
        patch.setattr(Path, "is_file", lambda _: False)
        patch.setattr(File, "open", lambda file: io.BytesIO(files[str(file.path)]))
        if not any(texts):
            return
        with CheckedText(list(files), PLAIN, lambda *_: None) as text:
            assert "".join(text.pieces("")) == "".join(CorpusReader(list(files)).pieces())


@pytest.mark.parametrize("data", [b"", b"plain\n", "één 中 🙂\n".encode(), b"\xef\xbb\xbfmarked\n"])
def test_plain_files_stop_nothing(data: bytes) -> None:
    assert codes(data) in ([], ["mark"])
    assert facts(data).is_utf8


def test_a_file_that_ends_inside_a_character_was_cut_short() -> None:
    found = facts("abc中".encode()[:-1])
    assert (found.cut, found.bad, found.bad_bytes) == (True, [BadByte(3, 1)], 2)
    assert codes("abc中".encode()[:-1]) == ["cut"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_utf16_and_utf32_are_named_with_the_remedy(encoding: str) -> None:
    data = ("hello\n" * 300).encode(encoding)
    (finding,) = file_findings(facts(data), File(Path("text.txt")))
    expected = encoding.replace("-le", "le").replace("-be", "be")  # as Python and iconv both know them
    assert (finding.level, finding.code) == ("stops", "utf-16")
    assert f"--encoding {expected}, or convert it with iconv -f {expected.upper()} -t UTF-8 text.txt" in finding.advice


def test_nuls_in_a_text_are_told_from_a_binary_file() -> None:
    assert codes(b"GIF89\0\0\xff" * 100) == ["binary"]
    data = VERSE.encode() * 40 + b"\0" + VERSE.encode()
    assert codes(data) == ["nul"]
    assert (facts(data).nuls, facts(data).first_nul) == (1, len(VERSE) * 40)


def test_another_encoding_is_guessed_and_damage_told_from_it() -> None:
    french = "Élève, où étaient-ils allés après la fête? À l'école, bien sûr.\n" * 50
    (finding,) = file_findings(facts(french.encode("cp1252")), File(Path("text.txt")))
    assert "--encoding windows-1252, or convert it with iconv -f WINDOWS-1252 -t UTF-8 text.txt" in finding.advice
    chinese = "床前明月光。疑是地上霜。舉頭望明月。低頭思故鄉。\n" * 50
    assert facts(chinese.encode("gb18030")).looks_like == "gb18030"
    (finding,) = file_findings(facts(french.encode() + b"\xff" + french.encode()), File(Path("text.txt")))
    assert "iconv -f UTF-8 -c -t UTF-8 text.txt" in finding.advice


def test_line_ends_of_several_kinds_are_named() -> None:
    assert codes(b"a\r\nb\nc\r") == ["mixed-line-ends"]
    assert codes(b"a\r\nb\r\n") == []
