"""How the files of a corpus are read: what was said of them, and what is to be made of their text."""

from __future__ import annotations

from dataclasses import dataclass

from longhand.units import NormalForm


@dataclass(frozen=True)
class Reading:
    """What holds for all files of a corpus.

    - encoding: of their bytes, by a name that Python knows; None: found for each file
    - fallback: the encoding of files that are not UTF-8, where `encoding` is None; None: what they look like
    - column: what alone is read of a table, or of lines of JSON (`longhand.text.columns`); None: the whole text
    - column_if_there: whether a file without the column is read whole; else it is refused
    - separator: what separates the columns of a table; None: it is found for each file
    - skip_bad_rows: whether rows that cannot be read are left out, and listed
    - normalize: Unicode's normal form that the text is brought into; None: it stays as it is
    - fix_mojibake: whether UTF-8 that was decoded as Latin-1 or Windows-1252 before is repaired
    - keep_markup: whether HTML and RTF are read with their tags
    """

    encoding: str | None = "utf-8"
    fallback: str | None = None
    column: str | None = None
    column_if_there: bool = False
    separator: str | None = None
    skip_bad_rows: bool = False
    normalize: NormalForm | None = None
    fix_mojibake: bool = False
    keep_markup: bool = False


PLAIN = Reading()
