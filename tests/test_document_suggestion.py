"""What `check` suggests as documents: for every kind of text what suits it, and never paragraphs of prose."""

from __future__ import annotations

import lzma
import random
import shlex
import textwrap
from pathlib import Path

import pytest
from conftest import CORPORA, Run
from test_suggestion import WORDS

from longhand.text.document_suggestion import suggested_documents

DRAW = random.Random(7)


def sentence(fewest: int = 4, most: int = 18, words: list[str] = WORDS) -> str:
    return " ".join(DRAW.choice(words) for _ in range(DRAW.randint(fewest, most))).capitalize() + DRAW.choice("...?!")


def paragraph(fewest: int = 2, most: int = 5) -> str:
    return " ".join(sentence() for _ in range(DRAW.randint(fewest, most)))


def spoken(open_: str, close: str) -> str:
    return DRAW.choice([f"{open_}{sentence(1, 6)}{close}", paragraph(1, 2), f"{open_}{paragraph(1, 2)}{close}"])


def stanza(lines: int = 4) -> str:
    return "\n".join(sentence(5, 7)[:-1] + DRAW.choice(["", ",", ".", ";"]) for _ in range(lines))


def chinese(length: int) -> str:
    return "".join(chr(0x4E00 + DRAW.randrange(300)) for _ in range(length))


def couplets() -> str:
    return "\n".join(f"{chinese(7)}，{chinese(7)}。" for _ in range(4))


def move(number: int) -> str:
    return f"{number}. {DRAW.choice('abcdefgh')}{DRAW.randint(3, 6)} N{DRAW.choice('acf')}{DRAW.randint(3, 6)}"


def game(number: int) -> str:
    tags = f'[Event "Rated game"]\n[Site "https://here/{number}"]\n[Result "1-0"]'
    return f"{tags}\n\n{textwrap.fill(' '.join(move(k) for k in range(1, 30)), 78)} 1-0\n"


def mail(number: int) -> str:
    first = f"From a{number}@b.org Mon Jan  {number % 9 + 1} 10:11:12 2024"
    return f"{first}\nFrom: a@b.org\nSubject: {number}\n\n{paragraph()}\n"


def times(number: int) -> str:
    return f"{number // 60 % 24:02}:{number % 60:02}"


TEXTS = {
    "names": ("\n".join(DRAW.choice(WORDS).capitalize() for _ in range(300)), "line"),
    "SMILES": ("\n".join("C" * (1 + 5 * k % 23) + "c1ccccc1(=O)N" + "CC" * (k % 7) for k in range(300)), "line"),
    "novel": ("\n\n".join(paragraph() for _ in range(200)), "none"),
    "novel of even paragraphs": ("\n\n".join(paragraph(3, 3) for _ in range(200)), "none"),
    "wrapped novel": ("\n\n".join(textwrap.fill(paragraph(3, 5), 72) for _ in range(200)), "none"),
    "dialogue": ("\n\n".join(spoken("“", "”") for _ in range(200)), "none"),
    "German dialogue": ("\n\n".join(spoken("„", "“") for _ in range(200)), "none"),
    "Spanish dialogue": ("\n\n".join(spoken("—", "") for _ in range(200)), "none"),
    "French dialogue": ("\n\n".join(spoken("« ", " »") for _ in range(200)), "none"),
    "story of a paragraph a line": ("\n".join(spoken("“", "”") for _ in range(300)), "none"),
    "Chinese novel": ("\n\n".join(f"　　{chinese(30)}。{chinese(25)}，{chinese(20)}。" for _ in range(100)), "none"),
    "Chinese poems": (
        "\n\n".join(f"{chinese(4)}\n{chinese(3)}\n" + f"{chinese(7)}，{chinese(7)}。\n" * 4 for _ in range(90)),
        "blank",
    ),
    "poems": ("\n\n".join(f"{stanza()}\n{stanza()}" for _ in range(60)), "blank"),
    "poems in small letters": ("\n\n".join(stanza(8).lower() for _ in range(60)), "blank"),
    "haiku": ("\n\n".join(stanza(3) for _ in range(90)), "blank"),
    "ABC": ("\n".join(f"X:{k}\nT:Tune {k}\nM:6/8\nK:D\n{'ABc dEF|' * (5 + k % 9)}\n" for k in range(60)), "X:"),
    "PGN": ("\n".join(game(k) for k in range(40)), "[Event "),
    "FASTA": ("\n".join(f">sp|P{k}|name\n{'MKVLAAGIVG' * 6}\n{'ACDEFGHIKL' * (k % 6 + 1)}" for k in range(60)), ">"),
    "mail folder": ("\n".join(mail(k) for k in range(60)), "From "),
    "log": ("\n".join(f"2024-03-12T{times(k)}:09 INFO took {k * 37 % 100} ms" for k in range(300)), "line"),
    "syslog": ("\n".join(f"Mar {k % 28 + 1:2} {times(k)}:09 host sshd[{k}]: closed" for k in range(300)), "line"),
    "web server's log": (
        "\n".join(f'10.0.0.{k % 250} - - [12/Mar/2024:{times(k)}:09 +0000] "GET /{k}" 200' for k in range(300)),
        "line",
    ),
    "log with traces": (
        "\n".join(f"2024-03-12 {times(k)}:09 ERROR failed" + "\n  at f(x)" * (k % 5 == 0) for k in range(300)),
        "none",
    ),
    "WhatsApp, iOS": ("\n".join(f"[12.03.24, {times(k)}:12] Ann: {sentence()}" for k in range(300)), "line"),
    "WhatsApp, Android": ("\n".join(f"12/03/2024, {times(k)} - Bob B.: {sentence()}" for k in range(300)), "line"),
    "WhatsApp, American": ("\n".join(f"3/12/24, {k % 12 + 1}:10 PM - Ann: {sentence()}" for k in range(300)), "line"),
    "chat of several lines": (
        "\n".join(f"12/03/2024, {times(k)} - Ann: {sentence()}" + f"\n{sentence()}" * (k % 5 == 0) for k in range(300)),
        "none",
    ),
    "IRC": ("\n".join(f"<{DRAW.choice(['ann', 'bob_'])}> {sentence().lower()}" for k in range(300)), "line"),
    "IRC with times": ("\n".join(f"[{times(k)}] <ann> {sentence().lower()}" for k in range(300)), "line"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_every_kind_of_text_gets_what_suits_it(kind: str) -> None:
    text, expected = TEXTS[kind]
    found = suggested_documents(text)
    assert found.value == expected, found.why
    assert found.setting == ("documents" if expected in ("line", "blank", "none") else "document_start")


@pytest.mark.parametrize("name", ["english.txt.xz", "chinese.txt.xz"])
def test_books_are_never_cut_into_their_paragraphs(name: str) -> None:
    path = CORPORA / "starters" / name
    if not path.exists():
        pytest.skip(f"{path} is missing")
    with lzma.open(path, "rt", encoding="utf-8") as file:
        text = file.read(8_000_000)
    for begin in range(0, len(text), 200_000):
        found = suggested_documents(text[begin : begin + 200_000])
        assert found.value == "none", (begin, found.why)


def test_the_next_command_has_what_documents_begin_with(longhand: Run, tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(TEXTS["PGN"][0], encoding="utf-8")
    done = longhand("check", path, "--no-estimate")
    assert "documents   --document-start '[Event ': games of chess (PGN)" in done.stdout
    command = next(line for line in done.stdout.splitlines() if line.startswith("Next: longhand train "))
    assert shlex.split(command)[4:6] == ["--document-start", "[Event "]
    said = longhand("check", path, "--no-estimate", "--documents", "line").stdout
    assert "--document-start" not in said.splitlines()[-1]


SCRIPTS = {
    "Hindi": "सीता नगर जाती है और घर में पानी लाती है। राम वन में बड़ा घर देखता है।",
    "Urdu": "وہ شہر جاتا ہے اور گھر میں پانی لاتا ہے\u06d4 سردی دیر سے آئی\u06d4",
    "Amharic": "ሰውየው ወደ ከተማ ሄደ እና ውሃ አመጣ። ክረምቱ ዘግይቶ መጣ።",
    "Armenian": "Նա գնաց քաղաք և ջուր բերեց\u0589 Ձմեռը ուշ եկավ\u0589",
    "Khmer": "គាត់ទៅទីក្រុងហើយយកទឹកមក។ រដូវរងាមកយឺត។",
    "Burmese": "သူသည်မြို့သို့သွားပြီးရေယူလာသည်။ ဆောင်းရာသီနောက်ကျသည်။",
    "Tibetan": "ཁོ་གྲོང་ཁྱེར་ལ་སོང་ནས་ཆུ་ཁྱེར་ཡོང་། དགུན་ཁ་འཕྱི་པོ་ཡོང་།",
    "Thai": "เขาไปในเมืองและนำน้ำกลับมาที่บ้าน ฤดูหนาวมาช้าในปีนี้ ",
    "Chinese": "他到城里去，把水带回家。冬天来得很晚。",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_paragraphs_of_prose_are_no_documents_in_any_script(script: str) -> None:
    sentences = SCRIPTS[script]
    text = "\n\n".join(sentences * (4 + number % 2) for number in range(120))
    assert suggested_documents(text).value == "none"
