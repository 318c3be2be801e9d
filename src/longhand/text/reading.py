"""How the files of a corpus are read: what was said of them, and what is to be made of their text."""

from __future__ import annotations

from dataclasses import dataclass

from longhand.units import NormalForm


@dataclass(frozen=True)
class Reading:
    """What holds for all files of a corpus.

    - encoding: of their bytes, by a name that Python knows; None: found for each file
    - column: what alone is read of a table, or of lines of JSON (`longhand.text.columns`); None: the whole text
    - normalize: Unicode's normal form that the text is brought into; None: it stays as it is
    """

    encoding: str | None = "utf-8"
    column: str | None = None
    normalize: NormalForm | None = None


PLAIN = Reading()
