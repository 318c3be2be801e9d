"""Word and OpenDocument files: what is text in them is read, and what is left out is told."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from test_extracting import paragraph, read, run, word
from test_file_kinds import zipped

from longhand.errors import CorpusError

MATH = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
NAMES = {"office": "office", "text": "text", "draw": "drawing", "svg": "svg-compatible", "table": "table"}
SPACES = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{of}:1.0"' for name, of in NAMES.items())
ODT = "application/vnd.oasis.opendocument.text"


def open_document(body: str, **others: str) -> bytes:
    root = "<office:document-content{}><office:body><office:text>{}</office:text></office:body>"
    content = root.format(SPACES, body) + "</office:document-content>"
    return zipped(mimetype=ODT, content_dot_xml=content, **others)


def control(content: str) -> str:
    return f"<w:sdt><w:sdtPr><w:alias/></w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"


def box(*lines: str) -> str:
    return f"<w:pict><w:txbxContent>{''.join(paragraph(run(line)) for line in lines)}</w:txbxContent></w:pict>"


@pytest.mark.parametrize("wrapped", [control, "<w:customXml>{}</w:customXml>".format, lambda cell: control(cell + "")])
def test_cells_in_content_controls_are_in_their_row(tmp_path: Path, wrapped: object) -> None:
    assert callable(wrapped)
    one, two = (f"<w:tc>{paragraph(run(text))}</w:tc>" for text in ("one", "two"))
    rows = f"<w:tr>{one}{wrapped(two)}</w:tr>{wrapped(f'<w:tr>{wrapped(one)}{two}</w:tr>')}"
    assert read(tmp_path / "a.docx", word(f"<w:tbl>{rows}</w:tbl>"))[0] == "one\ttwo\none\ttwo\n"


def test_the_older_form_is_read_where_the_newer_one_has_no_text(tmp_path: Path) -> None:
    both = (
        '<mc:AlternateContent><mc:Choice xmlns:s="symbols"><s:symEx s:char="1F60A"/></mc:Choice>'
        "<mc:Fallback>{}</mc:Fallback></mc:AlternateContent>"
    )
    assert read(tmp_path / "a.docx", word(paragraph(run("a "), both.format(run("😊"))))) == ("a 😊\n", [])
    told = ["its signs of symbol fonts were left out"]
    assert read(tmp_path / "b.docx", word(paragraph(run("a"), both.format("")))) == ("a\n", told)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (paragraph('<w:sym w:font="Wingdings" w:char="F04A"/>'), "signs of symbol fonts"),
        (f"<w:p><m:oMath {MATH}><m:r><m:t>x+1</m:t></m:r></m:oMath></w:p>", "formulas"),
        ("<w:altChunk/>", "passages from other files"),
        (paragraph(f"<w:ruby><w:rt>{run('kan')}</w:rt><w:rubyBase/></w:ruby>"), "readings of characters (ruby)"),
        ("<w:moveFrom/>", "deleted passages"),
    ],
)
def test_what_has_no_text_in_word_is_told(tmp_path: Path, body: str, told: str) -> None:
    text, notes = read(tmp_path / "a.docx", word(paragraph(run("kept")) + body))
    assert text.strip() == "kept"
    assert notes == [f"its {told} were left out"]


def test_headers_and_footers_are_told(tmp_path: Path) -> None:
    parts = {
        f"word__{name}1_dot_xml": f"<h><p><t>{text}</t></p></h>" for name, text in (("header", "x"), ("footer", ""))
    }
    assert read(tmp_path / "a.docx", word(paragraph(run("kept")), **parts)) == (
        "kept\n",
        ["its headers were left out"],
    )


def test_a_text_box_has_lines_of_its_own(tmp_path: Path) -> None:
    body = paragraph(run("before"), box("one", "two"), run("after")) + paragraph(box("alone")) + paragraph(run("end"))
    assert read(tmp_path / "a.docx", word(body))[0] == "before\none\ntwo\nafter\nalone\nend\n"


def test_a_strict_document_is_read_wherever_its_main_part_is(tmp_path: Path) -> None:
    space = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    document = f'<w:document xmlns:w="{space}"><w:body>{paragraph(run("strict"))}</w:body></w:document>'
    kind = "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"
    for target in ("word/document2.xml", "/word/document2.xml"):
        relations = f'<Relationships xmlns="r"><Relationship Type="{kind}" Target="{target}"/></Relationships>'
        data = zipped(_rels___dot_rels=relations, word__document2_dot_xml=document)
        assert read(tmp_path / "a.docx", data)[0] == "strict\n"


def test_white_space_of_an_opendocument_text_is_as_its_format_says(tmp_path: Path) -> None:
    body = "<text:p>\n  a\n\t b <text:span> c</text:span><text:s text:c='2'/>d<text:tab/> e </text:p><text:p/>"
    assert read(tmp_path / "a.odt", open_document(body + "<text:h> f </text:h>"))[0] == "a b c  d\t e\n\nf\n"


def test_frames_of_an_opendocument_text_have_lines_of_their_own_and_no_titles(tmp_path: Path) -> None:
    frame = (
        "<draw:frame>\n<draw:text-box>\n<text:p>one</text:p>\n<text:p>two</text:p>\n</draw:text-box>\n"
        "<svg:title>no</svg:title><svg:desc>no</svg:desc></draw:frame>"
    )
    body = f"<text:p>before{frame}after</text:p><text:p>{frame}</text:p><text:p>end</text:p>"
    assert read(tmp_path / "a.odt", open_document(body)) == ("before\none\ntwo\nafter\none\ntwo\nend\n", [])


def test_what_is_left_out_of_an_opendocument_text_is_told(tmp_path: Path) -> None:
    body = (
        "<text:p>a<text:ruby><text:ruby-base>漢</text:ruby-base><text:ruby-text>kan</text:ruby-text></text:ruby>"
        "<draw:frame><draw:object/></draw:frame></text:p>"
    )
    told = ["its readings of characters (ruby), formulas and other objects were left out"]
    assert read(tmp_path / "a.odt", open_document(body)) == ("a漢\n", told)


def test_headers_of_an_opendocument_text_are_told(tmp_path: Path) -> None:
    data = open_document("<text:p>a</text:p>", styles_dot_xml="<s><header>Draft</header><footer> </footer></s>")
    assert read(tmp_path / "a.odt", data) == ("a\n", ["its headers were left out"])


def test_an_opendocument_text_is_known_by_its_manifest(tmp_path: Path) -> None:
    content = (
        f"<office:document-content{SPACES}><office:text><text:p>a</text:p></office:text></office:document-content>"
    )
    manifest = {"META-INF__manifest_dot_xml": f'<m><file-entry media-type="{ODT}"/></m>'}
    assert read(tmp_path / "a.odt", zipped(content_dot_xml=content, **manifest))[0] == "a\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (open_document("", **{"META-INF__manifest_dot_xml": "<m><encryption-data/></m>"}), "protected by a password"),
        (zipped(xl__workbook_dot_xml="x"), "a.x: a spreadsheet, which is no plain text"),
        (zipped(ppt__presentation_dot_xml="x"), "a.x: an office document that is no text document, which"),
        (zipped(a_dot_txt="x"), "a.x: a zip archive, which is no plain text"),
        (zipped(mimetype=ODT), "a.x: a document without its part content.xml"),
        (f"<?xml version='1.0'?>\n<office:document{SPACES}>".encode(), "a.x: an office document in one file of XML"),
        (b"<?xml version='1.0'?><?mso-application progid='W'?><w:wordDocument xmlns=''>", "in one file of XML"),
        (b"<?xml version='1.0'?><pkg:package xmlns=''>", "in one file of XML"),
    ],
)
def test_a_document_that_is_refused_says_so_in_its_own_words(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(CorpusError) as refused:
        read(tmp_path / "a.x", data)
    assert message in str(refused.value)
    assert "cannot be read" not in str(refused.value)


@pytest.mark.parametrize(("entity", "text"), [("&nbsp;", "a \xa0 b\n"), ("&mdash;", "a — b\n"), ("&lt;", "a < b\n")])
def test_entities_of_html_are_characters_in_any_xml(tmp_path: Path, entity: str, text: str) -> None:
    data = word(paragraph(run(f"a {entity}<?x?> b")))
    document = f'<!DOCTYPE d PUBLIC "a" "b">{_document(data)}'
    assert read(tmp_path / "a.docx", zipped(word__document_dot_xml=document))[0] == text


@pytest.mark.parametrize("entity", ["&e;", "&notit;", "&copy;"])
def test_other_entities_are_refused(tmp_path: Path, entity: str) -> None:
    own = '<!DOCTYPE d PUBLIC "a" "b" [<!ENTITY e "x"><!ENTITY copy "mine">]>'
    document = own + _document(word(paragraph(run(f"a {entity} b"))))
    with pytest.raises(CorpusError, match="an entity that HTML does not have"):
        read(tmp_path / "a.docx", zipped(word__document_dot_xml=document))


def _document(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("word/document.xml").decode()
