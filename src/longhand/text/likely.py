"""The encoding that bytes seem to be in, for those who do not know: charset-normalizer's guess, weighed a little.

It is offered in errors, and used only where that was asked for.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

UTF_8 = "utf-8"
SAMPLE = 1 << 17  # bytes that an encoding is told from
LEAD = 1 << 10  # bytes before the first that tells, at most: ASCII only hides what comes after it
ENOUGH = 10  # characters of UTF-8 beyond ASCII, which no other encoding has by chance
MARKS = [
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
FEWEST = 10  # bytes beyond ASCII that tell an encoding; what has fewer is taken to be in the most usual one
FEW = 0.3  # the share of such bytes up to which letters may be Latin ones
MOSTLY = 0.9  # the share of them that are letters of a language, in the right encoding
ALIKE = 0.01  # how far two guesses may lie apart in how strange their texts look
LETTERS = {  # of the languages that are written in an encoding; the most usual first
    "cp1252": "àáâãäåæçèéêëìíîïñòóôõöøùúûüßœÿ",
    "cp1250": "áâăäąćčçďđéęěëíîľłńňóôöőřśšşťţúůüűýźžżß",
    "cp1254": "âçğ\u0131iîöşûü",
    "cp1257": "āäąčēęėģīįķļņōõöŗšūųüž",
}
SIGNS = "\u201c\u201d\u201e\u2018\u2019\xab\xbb\u2013\u2014\u2026\xa0\xa1\xa7\xb0\xbf\u20ac"
USUAL = ("cp1252", "cp1251", "cp866", "koi8_r", "mac_roman", "gb18030", "big5", "cp932", "euc_jp", "cp949")
UP_TO_NO_PART = re.compile(rb".*[\0-/]", re.DOTALL)  # to a byte that is never part of a longer character
LONGEST_CHARACTER = 4  # bytes


def encoding_of(data: bytes) -> str | None:
    """Return the encoding of a text's first piece that is not ASCII; None where it looks like none."""
    try:
        codecs.utf_8_decode(data, "strict", False)
    except UnicodeDecodeError as error:
        at = error.start
    else:
        return UTF_8
    return marked_encoding(data) or (UTF_8 if is_utf_8(data[:at]) else likely_encoding(data, at))


def marked_encoding(data: bytes) -> str:
    """Return the encoding whose mark bytes begin with; empty where it is none of UTF-16 or UTF-32."""
    return next((encoding for mark, encoding in MARKS if data.startswith(mark)), "")


def is_utf_8(data: bytes) -> bool:
    """Whether bytes that can be read as UTF-8, but for a character cut off at each end, are sure to be it."""
    text = data.decode(UTF_8, "ignore")
    return len(text) - len(text.encode("ascii", "ignore")) >= ENOUGH


def likely_encoding(data: bytes, at: int) -> str | None:
    """Return the name of the encoding that bytes around a place seem to be in; None where none does.

    What Latin letters are meant can be told only as far as they are those of a language.
    """
    from charset_normalizer import from_bytes

    samples = list(_samples(data, at))
    beyond = bytes(byte for byte in samples[0] if byte > 0x7F)
    if len(beyond) < FEWEST and _share("cp1252", beyond) > 0:
        return _usual_name("cp1252")
    matches = next(filter(None, (list(from_bytes(sample)) for sample in samples)), None)
    if matches is None or (best := matches[0]).encoding in ("ascii", "utf_8"):
        return None
    alike = {name for match in matches if match.chaos <= best.chaos + ALIKE for name in match.could_be_from_charset}
    if len(beyond) < len(samples[0]) * FEW:  # a script of its own has more
        alike.add("cp1252")
    latin = max(filter(alike.__contains__, LETTERS), key=lambda name: _share(name, beyond), default=None)
    if latin is not None and _share(latin, beyond) > MOSTLY:
        return _usual_name(latin)
    same = best.could_be_from_charset  # encodings in which these bytes are the same text
    return _usual_name(next((usual for usual in USUAL if usual in same), best.encoding))


def _samples(data: bytes, at: int) -> Iterator[bytes]:
    """Yield bytes around a place, cut where a character ends if that can be seen, or else at several places."""
    found = UP_TO_NO_PART.match(data, max(0, at - LEAD), at)
    begin = found.end() if found else max(0, at - LEAD)
    sample = data[begin : at + SAMPLE]
    if found := UP_TO_NO_PART.match(sample, at - begin + 1):
        yield sample[: found.end()]
    yield from (sample[: len(sample) - less] for less in range(LONGEST_CHARACTER))


def _share(encoding: str, beyond: bytes) -> float:
    """Return the share of bytes beyond ASCII that are letters or signs of the languages written in an encoding."""
    text = beyond.decode(encoding, "replace").lower()
    return sum(letter in LETTERS[encoding] or letter in SIGNS for letter in text) / max(len(text), 1)


def _usual_name(name: str) -> str:
    if name.startswith("cp125"):
        return name.replace("cp", "windows-")
    return "iso-8859-1" if name == "latin_1" else name.replace("_", "-")
