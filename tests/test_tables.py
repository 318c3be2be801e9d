"""Tables: which separator and which quotation marks they have, and rows that cannot be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import CorpusError
from longhand.text.corpus import CorpusReader
from longhand.text.reading import Reading
from longhand.text.rows.dialect import is_header

WORDS = ["snow", "old", "tree", "river", "winter", "walks", "under", "about"]


class Named(io.StringIO):
    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, newline="")
        self.name = name


def read(text: str, name: str = "a.csv", **reading: str | bool) -> tuple[list[str], list[str]]:
    """Return the rows of a table and what is told of it."""
    reader = CorpusReader([Named(text, name)], reading=Reading(**{"column": "text", **reading}))  # type: ignore[arg-type]
    rows = "".join(reader.pieces()).split("\n")[:-1]
    return rows, [note.removeprefix(f"{name}: ") for note in reader.notes]


def sentences(count: int) -> list[str]:
    return [f"{WORDS[number % 8]} {WORDS[number // 8 % 8]} by the lake." for number in range(count)]


def tatoeba(count: int, strays: dict[int, Callable[[str], str]]) -> list[str]:
    """Return lines of number, language and sentence; those with these numbers changed."""
    texts = [strays.get(number, str)(text) for number, text in enumerate(sentences(count), 1)]
    return [f"{number}\teng\t{text}" for number, text in enumerate(texts, 1)]


def test_quotation_marks_that_are_part_of_the_text_never_join_rows() -> None:
    lines = tatoeba(60, {11: lambda text: f'"{text}', 41: lambda text: f'{text}"'})
    rows, notes = read("\n".join(lines) + "\n", "a.tsv", column="3")
    assert rows == [line.split("\t")[2] for line in lines]
    assert notes == [
        "3 columns separated by tabs; the first row, '1', 'eng', 'snow snow by the lake.', is read as text like the "
        "others; quotation marks are read as part of the text, as that in line 11"
    ]


@given(
    st.dictionaries(
        st.integers(1, 60), st.sampled_from(['"{}', '{}"', '"{}"', 'he "{}', '"a" {}', '"{}" she said']), max_size=9
    )
)
def test_wherever_stray_quotation_marks_are_each_line_stays_a_row(strays: dict[int, str]) -> None:
    lines = tatoeba(60, {number: form.format for number, form in strays.items()})
    rows, _ = read("\n".join(lines) + "\n", "a.tsv", column="3")
    assert len(rows) == 60
    assert [row.strip('"') for row in rows] == [line.split("\t")[2].strip('"') for line in lines]


def test_a_mark_that_joins_rows_beyond_the_sample_is_refused_with_its_lines() -> None:
    good = [f'{number},"{text}"' for number, text in enumerate(sentences(6000))]
    joined = [*good, '6000,"old', *(f"{number},old" for number in range(6001, 6004)), '6004,old"']
    message = "line 6002: a quotation mark that joins lines 6002 to 6006, which look like rows of their own; close it"
    with pytest.raises(CorpusError, match=message):
        read("id,text\n" + "\n".join(joined) + "\n")
    rows, notes = read("id,text\n" + "\n".join(joined) + "\n", skip_bad_rows=True)
    assert rows == [*sentences(6000), *["old"] * 3, 'old"']
    assert "bad rows left out: 1: line 6002 (a quotation mark that joins lines 6002 to 6006" in notes[1]


def test_a_mark_that_is_opened_among_rows_stops_soon() -> None:
    good = [f'{number},"{text}"' for number, text in enumerate(sentences(6000))]
    joined = [*good, '6000,"old', *(f"{number},old" for number in range(6001, 9000))]
    with pytest.raises(CorpusError, match="line 6002: a quotation mark that joins lines 6002 to 6021"):
        read("id,text\n" + "\n".join(joined) + "\n")


def test_rows_of_several_lines_are_told() -> None:
    poems = ["Roses, red\nviolets, blue", "one line", "three\nlines\nhere"]
    written = io.StringIO()
    csv.writer(written).writerows([["title", "text"], *([f"t{number}", poem] for number, poem in enumerate(poems))])
    rows, notes = read(written.getvalue())
    assert "\n".join(rows) == "\n".join(poems)
    assert notes[1] == "rows that go over several lines, between quotation marks: 2, the first in lines 2 to 3"


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@given(texts=st.lists(st.text(st.sampled_from('ab ,;|\t"é\n'), max_size=12).filter(str.strip), max_size=9))
def test_what_a_program_has_written_is_read_whatever_separates_it(
    separator: str, quoting: int, texts: list[str]
) -> None:
    texts = [*sentences(15), *texts]
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([["number", "text", "by"], *([number, text, "me"] for number, text in enumerate(texts))])
    reader = CorpusReader([Named(written.getvalue(), "a.csv")], reading=Reading(column="text"), row_end="\ufdd0")
    assert "".join(reader.pieces()).split("\ufdd0")[:-1] == texts


def test_bad_rows_are_left_out_where_that_is_asked_for_and_listed() -> None:
    lines = [f"{number},{text}" for number, text in enumerate(sentences(30))]
    lines[4] = "4,one, two"
    lines[9] = "9"
    text = "id,text\n" + "\n".join(lines) + "\n"
    with pytest.raises(CorpusError, match=r"line 6: 3 columns, expected 2 as in the first row; put .* --skip-bad-rows"):
        read(text)
    rows, notes = read(text, skip_bad_rows=True)
    assert rows == [text for number, text in enumerate(sentences(30)) if number not in (4, 9)]
    assert notes[1:] == [
        "bad rows left out: 1: line 6 (3 columns, expected 2 as in the first row)",
        "rows with fewer columns than the first, read as far as they go: 1, the first in line 11",
    ]


def test_a_separator_that_was_said_is_taken() -> None:
    text = "a;b,text\n" + "".join(f"{number};x,{row}\n" for number, row in enumerate(sentences(9)))
    assert read(text)[0] == sentences(9)
    assert read(text, separator=";", column="2")[0][0] == f"x,{sentences(1)[0]}"


def test_a_header_is_no_text_of_a_column_that_is_given_by_number() -> None:
    body = "".join(f"{number};{row}\n" for number, row in enumerate(sentences(9)))
    rows, notes = read("id;text\n" + body, column="2")
    assert rows == sentences(9)
    assert notes == ["2 columns separated by semicolons, named by its first row 'id', 'text'"]
    assert read(body, column="2")[0] == sentences(9)


@pytest.mark.parametrize(
    ("first", "header"),
    [
        (["id", "text"], True),
        (["7", "old tree by the river in winter"], False),
        (["id", ""], False),
        (["text", "text"], False),
    ],
)
def test_a_header_is_known_by_the_rows_below(first: list[str], header: bool) -> None:
    assert is_header(first, [[str(number), text] for number, text in enumerate(sentences(9))]) is header


def test_a_table_of_words_alone_has_no_header_that_can_be_told() -> None:
    assert not is_header(["dog", "hund"], [["cat", "katze"], ["tree", "baum"], ["sea", "meer"], ["ice", "eis"]])


def test_backslashes_that_do_not_stand_before_quotation_marks_stay() -> None:
    rows = [r"\textbf{x} said \"y\"", r"a\nb", *(rf"say \"{text}\"" for text in sentences(9))]
    text = "id,text\n" + "".join(f'{number},"{row}"\n' for number, row in enumerate(rows)) + "99,C:\\new\\dir\n"
    assert read(text)[0] == [row.replace('\\"', '"') for row in [*rows, r"C:\new\dir"]]


def test_the_separator_of_more_columns_is_taken_where_two_would_do() -> None:
    text = "".join(f"{number};{number},5;{row}\n" for number, row in enumerate(sentences(30)))
    rows, notes = read(text, column="3")
    assert rows == sentences(30)
    assert notes[0].startswith("3 columns separated by semicolons")


def test_a_column_of_its_own_is_read_as_programs_write_it() -> None:
    texts = [*sentences(20), "Hello, world", 'He said "no"', "two\nlines"]
    written = io.StringIO()
    csv.writer(written).writerows([["text"], *([text] for text in texts)])
    reader = CorpusReader([Named(written.getvalue(), "a.csv")], reading=Reading(column="text"), row_end="\ufdd0")
    assert "".join(reader.pieces()).split("\ufdd0")[:-1] == texts


def test_a_stray_mark_in_a_long_table_is_text() -> None:
    lines = [f"{number},{text}" for number, text in enumerate(sentences(7000))]
    lines[2000] = '2000,"old'
    assert read("id,text\n" + "\n".join(lines) + "\n")[0][2000] == '"old'


def test_a_number_may_be_a_name() -> None:
    text = "2018,2019\n" + "".join(f"{row},{row} again\n" for row in sentences(9))
    assert read(text, column="2019")[0] == [f"{row} again" for row in sentences(9)]


def test_a_short_row_is_told_also_where_its_column_is_there() -> None:
    rows, notes = read("text,id\nBroken line\nsecond part,20\nthird,30\n")
    assert rows == ["Broken line", "second part", "third"]
    assert notes[-1] == "rows with fewer columns than the first, read as far as they go: 1, the first in line 2"


def test_prose_with_commas_is_no_table_by_itself() -> None:
    prose = "".join(f"{row[:9]}, {row}\n" for row in sentences(30))
    with pytest.raises(CorpusError, match=r"a text whose lines have commas.*add --separator comma"):
        read(prose, "a.txt", column="1")
    assert len(read(prose, "a.txt", column="1", separator=",")[0]) == 30


@pytest.mark.parametrize("separator", ["\t", ","])
def test_the_first_mark_of_a_long_table_may_be_text(separator: str) -> None:
    lines = [separator.join((str(number), "eng", text)) for number, text in enumerate(sentences(6000))]
    lines[5500] = separator.join(("5500", "eng", '"Go home.'))
    lines[5800] = separator.join(("5800", "eng", 'and home."'))
    rows, notes = read("\n".join(lines) + "\n", "a.tsv", column="3")
    assert rows == [line.split(separator)[2] for line in lines]
    assert notes[1] == ("rows with a quotation mark that is not closed, read as text: 1, the first in line 5501")


def test_a_space_before_a_quotation_mark_is_named() -> None:
    table = "id,text\n" + "".join(f'{number}, "{row}, too"\n' for number, row in enumerate(sentences(9)))
    with pytest.raises(CorpusError, match="take out the space before a quotation mark"):
        read(table)
