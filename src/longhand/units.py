"""What a token can be, what to call several of them, and the forms that a text can be in."""

from __future__ import annotations

from typing import Literal

Unit = Literal["char", "word"]
"""What a closed vocabulary lists."""

TokenKind = Literal["char", "byte", "word", "whitespace", "bpe"]
"""What a tokenizer cuts a text into."""

WantedKind = Literal["auto", "char", "byte", "word", "whitespace", "bpe"]
"""What a text is to be cut into; "auto" leaves that to the text."""

WORD_KINDS = ("word", "whitespace")
"""The kinds of tokens with a vocabulary of frequent words: `--vocabulary`, `--min-count` and `--unknown` apply."""

PLURAL: dict[str, str] = {
    "char": "characters",
    "word": "words",
    "byte": "bytes",
    "bpe": "tokens",
    "whitespace": "tokens",
}

NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]
"""Unicode's normal forms."""

HeldOutFrom = Literal["documents", "end"]
"""What of a text is held out: documents from all over it, or its end, as it always is where there are no documents."""
