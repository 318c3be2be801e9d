"""UTF-8 that was decoded as Latin-1 or Windows-1252: found, repaired, and nothing else changed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from conftest import Run
from hypothesis import given
from hypothesis import strategies as st

import longhand as package
from longhand.text import corpus
from longhand.text.corpus import CorpusReader
from longhand.text.mojibake import escaped, meant, mojibake, repaired
from longhand.text.reading import Reading

SENTENCES = [
    "Café été, à la carte.",
    "naïve — “quoted” … it’s 5 €",
    "żółć gęślą jaźń, łódź",
    "Москва, привет",
    "你好，世界",
    "हिन्दी में",
    "ภาษาไทย",
    "Ελληνικά",
    "עברית",
    "العربية",
    "😀 🏳️‍🌈",
    "CORAZÓN, ÉTÉ",
    "Tiếng Việt, rất Nội",
    "я в доме",
    "Ελληνικά ή",
    "가",
    "一",
    "São",
]
PLAIN = [
    "“IRMÃ” disse",
    "ROMÂ»",
    "Ã É Â Î",
    "maçã”…",
    "«Ä» und «Å»",
    "à la “É”",
    "naïve façade über Straße",
    "Ð og Þ eru stafir",
    "½ ¼ ³ ² ±",
    "„groß“ und „Spaß“",
    "groß…",
    "weiß–schwarz",
    "groß\xa0und",
    "Stra\xadß\xade",
    "Fuß¹",
    "BEYONCÉ’s",
    "CAFÉ®s",
    "LIBERTÉ—oui",
    "«PERCHÉ»disse",
    "İTÜ’den",
    "MENÜ…das",
    "MAÇÃ®",
    "Â\u0178",
]


def as_latin_1(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


def as_windows_1252(text: str) -> str:
    """Decode UTF-8 as browsers do: bytes that Windows-1252 lacks are control characters."""
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode("utf-8"))


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("decoded", [as_latin_1, as_windows_1252])
def test_what_was_decoded_wrongly_comes_back(text: str, decoded: object) -> None:
    wrong = decoded(text)  # type: ignore[operator]
    assert wrong != text
    assert repaired(wrong)[0] == text
    assert repaired(f"{text}\n{wrong}")[0] == f"{text}\n{text}"


def test_what_was_decoded_wrongly_twice_comes_back() -> None:
    for text in SENTENCES:
        assert repaired(as_latin_1(as_latin_1(text)))[0] == text


@pytest.mark.parametrize("text", SENTENCES + PLAIN)
def test_what_is_right_stays(text: str) -> None:
    assert repaired(text) == (text, 0)
    assert list(mojibake(text)) == []


@given(st.text(st.characters(exclude_characters="".join(map(chr, range(0x80, 0x100))), exclude_categories=["Cs"])))
def test_a_text_without_latin_1_letters_stays(text: str) -> None:
    assert repaired(text) == (text, 0)


@given(st.lists(st.sampled_from(["Ã©", "é", "a", "\n", " ", "ð\x9f\x98\x80", "Ã"]), max_size=12), st.integers(1, 5))
def test_a_text_is_repaired_alike_in_whatever_pieces_it_comes(parts: list[str], piece: int) -> None:
    text = "".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "PIECE", piece)
        reader = CorpusReader([io.StringIO(text)], reading=Reading(fix_mojibake=True))
        found = "".join(reader.pieces())
    assert found == repaired(text)[0]
    assert reader.notes[-1:] == [f"wrongly decoded characters that were repaired: {repaired(text)[1]}"] or not text


def test_what_a_stretch_stands_for_is_told() -> None:
    assert [meant(found) for found in ("Ã©", "ð\x9f\x98\xa0", "ðŸ\u02dc\xa0", "ab", "ÃÃ")] == ["é", "😠", "😠", "", ""]
    assert list(mojibake("un cafÃ© noir")) == [(6, "Ã©", "é")]


def test_escapes_of_json_are_looked_into() -> None:
    assert escaped(json.dumps({"content": as_latin_1("Café 😠")})) == 2
    assert escaped(json.dumps({"content": "Café 😠"})) == 0
    assert escaped("\\u00c3") == 0


def messages(tmp_path: Path) -> Path:
    path = tmp_path / "messages.jsonl"
    rows = [{"content": as_latin_1(f"Café été, number {number} 😠")} for number in range(60)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_messages_are_checked_with_advice_that_repairs_them_and_takes_nothing_out(tmp_path: Path) -> None:
    check = package.check(messages(tmp_path), column="content", estimate=False)
    assert check.mojibake is not None
    assert (check.mojibake.count, check.mojibake.example, check.mojibake.meant) == (240, "Ã©", "é")
    advice = {finding.code: finding.advice for finding in check.findings}
    assert "--fix-mojibake repairs it" in advice["mojibake"]
    assert not {"control-characters", "invisible-characters"} & advice.keys()
    whole = package.check(messages(tmp_path), estimate=False)
    assert whole.escaped_mojibake == 240
    repaired_check = package.check(messages(tmp_path), column="content", fix_mojibake=True, estimate=False)
    assert (repaired_check.mojibake, repaired_check.scripts["Latin"]) == (None, 60 * 13)


def test_the_command_that_a_check_suggests_repairs_the_text(
    longhand: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = longhand("check", "messages.jsonl", "--no-estimate")
    *_, last = done.stdout.splitlines()
    assert last == "Next: longhand train messages.jsonl --column content --documents row --fix-mojibake"
