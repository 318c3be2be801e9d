"""The text of documents: Word, OpenDocument, EPUB and HTML, and those that are damaged, protected or too large."""

from __future__ import annotations

import io
import zipfile
from importlib import util
from pathlib import Path

import pytest
from conftest import Run
from hypothesis import given
from hypothesis import strategies as st
from test_file_kinds import HTML, PROSE, docx, epub, odt, zipped

import longhand as package
from longhand.errors import CorpusError, LonghandError, MissingExtraError
from longhand.text.corpus import CorpusReader
from longhand.text.extracting import extract
from longhand.text.extracting.formats import recognised
from longhand.text.reading import Reading

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
AS_PAGE = "read as a web page: --keep-markup reads it with its tags"
MARKUP = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def read(path: Path, data: bytes, reading: Reading | None = None) -> tuple[str, list[str]]:
    path.write_bytes(data)
    reader = CorpusReader([path], reading=reading or Reading())
    text = "".join(reader.pieces())
    return text, [note.removeprefix(f"{path}: ") for note in reader.notes]


def word(body: str, **others: str) -> bytes:
    document = f"<w:document {WORD} {MARKUP}><w:body>{body}</w:body></w:document>"
    return zipped(word__document_dot_xml=document, **others)


def paragraph(*parts: str) -> str:
    return f"<w:p><w:r>{''.join(parts)}</w:r></w:p>"


def run(text: str) -> str:
    return f"<w:t>{text}</w:t>"


def test_a_word_document_has_its_tabs_breaks_tables_and_empty_paragraphs(tmp_path: Path) -> None:
    row = "<w:tr>" + "".join(f"<w:tc>{paragraph(run(cell))}</w:tc>" for cell in ("one", "two")) + "</w:tr>"
    body = paragraph(run("a"), "<w:tab/>", run("b"), "<w:br/>", run("c")) + "<w:p/>" + f"<w:tbl>{row}</w:tbl>"
    assert read(tmp_path / "a.docx", word(body))[0] == "a\tb\nc\n\none\ttwo\n"


def test_what_is_left_out_of_a_word_document_is_told(tmp_path: Path) -> None:
    kept = "<mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback>{}</mc:Fallback></mc:AlternateContent>"
    body = paragraph(run("kept"), "<w:instrText>PAGE</w:instrText>") + kept.format(*[paragraph(run("box"))] * 2)
    body += "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    notes = f"<w:footnotes {WORD}>{paragraph(run('a note'))}</w:footnotes>"
    text, told = read(tmp_path / "a.docx", word(body, word__footnotes_dot_xml=notes))
    assert text == "kept\nbox\n\n"
    assert told == ["its footnotes, deleted passages were left out"]


def test_an_opendocument_text_has_its_spaces_and_breaks(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(odt())) as archive:
        xml = archive.read("content.xml").decode()
    body = (
        "<text:h>Head</text:h>\n  <text:p>a<text:s text:c='3'/>b<text:tab/><text:span>c</text:span>d<text:line-break/>e"
    )
    body += "<text:note>no</text:note>f</text:p>"
    xml = xml[: xml.index("<text:p>")] + body + xml[xml.index("</office:text>") :]
    data = zipped(mimetype="application/vnd.oasis.opendocument.text", content_dot_xml=xml)
    text, told = read(tmp_path / "a.odt", data)
    assert text == "Head\na   b\tcd\nef\n"
    assert told == ["its footnotes and endnotes were left out"]


def test_a_page_is_read_as_a_browser_shows_it(tmp_path: Path) -> None:
    page = (
        "<html><head><title>no</title><style>p {}</style></head><body><script>no()</script><h1>Poem</h1>"
        "<p>One   line<br>and\n another<br><br>a stanza</p><pre>  kept\n    as it is</pre>"
        "<ul><li>first<li>second</ul><table><tr><td>1<td>2<tr><td>3</table>&copy; &eacute;<!-- no --></body></html>"
    )
    expected = "Poem\n\nOne line\nand another\n\na stanza\n\n  kept\n    as it is\n\nfirst\nsecond\n\n1\t2\n3\n\n© é\n"
    assert read(tmp_path / "a.html", page.encode())[0] == expected


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("", "utf-8"),
        ("<meta charset='iso-8859-1'>", "latin-1"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', "cp1251"),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_says(tmp_path: Path, head: str, encoding: str) -> None:
    text = "утро" if encoding == "cp1251" else "café"
    page = f"<!doctype html><html><head>{head}</head><body><p>{text}</p></body></html>".encode(encoding)
    assert read(tmp_path / "a.html", page) == (f"{text}\n", [AS_PAGE])


def test_a_page_that_nests_too_deep_is_refused_and_not_cut(tmp_path: Path) -> None:
    page = "<!doctype html><html><body>{}deep".format
    assert "deep" in read(tmp_path / "a.html", page("<div>" * 1000).encode())[0]
    with pytest.raises(CorpusError, match="a web page that nests too deep"):
        read(tmp_path / "a.html", page("<div>" * 5000).encode())


def test_a_document_is_read_in_a_folder_beside_texts_of_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(docx())
    (tmp_path / "b.txt").write_bytes(PROSE.encode("cp1252"))
    reader = CorpusReader([tmp_path], reading=Reading("cp1252"))
    assert "".join(reader.pieces()) == PROSE * 2
    check = package.check(tmp_path, encoding="cp1252", estimate=False)
    assert check.characters == 2 * len(PROSE)


DAMAGED = {
    "cut": (docx()[:-40], "a zip archive that cannot be read"),
    "without its text": (zipped(mimetype="application/vnd.oasis.opendocument.text"), "without its part content.xml"),
    "no XML": (zipped(word__document_dot_xml="<w:document"), "a document whose XML cannot be read"),
    "empty page": (b"<!doctype html><html>", "a.x: 0 characters, expected at least 1000"),
    "protected": (
        zipped(
            mimetype="application/epub+zip",
            **{"META-INF__container_dot_xml": '<c><rootfile full-path="c.opf"/></c>'},
            **{"META-INF__encryption_dot_xml": '<e><CipherReference URI="a.xhtml"/></e>'},
            c_dot_opf='<p><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><itemref idref="a"/></p>',
            a_dot_xhtml="x",
        ),
        "an e-book protected against copying",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_document_that_cannot_be_read_says_why(tmp_path: Path, case: str) -> None:
    data, message = DAMAGED[case]
    (tmp_path / "a.x").write_bytes(data)
    with pytest.raises(CorpusError) as refused:
        package.train(tmp_path / "a.x")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_document_that_holds_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "MAX_DOCUMENT_BYTES", 100_000)
    with pytest.raises(CorpusError, match="when decompressed, the most that is read of one document"):
        read(tmp_path / "a.docx", word(paragraph(run("x" * 200_000))))


def test_entities_that_html_does_not_have_are_refused_and_not_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    document = f"{bomb}<w:document {WORD}><w:body>{paragraph(run('x&b;y'))}</w:body></w:document>"
    with pytest.raises(CorpusError, match="an entity that HTML does not have"):
        read(tmp_path / "a.docx", zipped(word__document_dot_xml=document))


@pytest.mark.parametrize(("name", "data"), [("a.docx", docx()), ("a.html", HTML.encode()), ("a.epub", epub())])
def test_without_its_library_a_document_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes
) -> None:
    found = util.find_spec
    monkeypatch.setattr(extract, "find_spec", lambda module: None if module == "lxml" else found(module))
    with pytest.raises(MissingExtraError, match=r"pip install 'longhand\[documents\]'; or save it as plain text"):
        read(tmp_path / name, data)
    assert read(tmp_path / "b.html", HTML.encode(), Reading(keep_markup=True))[0] == HTML


@given(st.binary(max_size=300), st.sampled_from([docx(), odt(), epub(), HTML.encode()]), st.data())
def test_any_damage_is_read_or_refused_in_one_line(noise: bytes, data: bytes, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(data)))
    changed = data[:place] + noise + data[place + len(noise) :]
    found = recognised(changed)
    if found is None or not found.reader:
        return
    try:
        extract.extracted(changed, found, "a", lambda _: None)
    except LonghandError as error:
        assert "\n" not in str(error)  # noqa: PT017 (some damage does no harm)


def test_a_model_learns_a_document(longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "novel.docx").write_bytes(word(paragraph(run("She walked by the river, and it was late.")) * 100))
    done = longhand("train", "novel.docx", "--epochs", 0.05, "--hidden", 8, "--batch", 4, "--window", 8)
    assert done.returncode == 0, done.stderr
