"""What a token can be, and what to call several of them."""

from __future__ import annotations

from typing import Literal

Unit = Literal["char", "word"]
"""What a closed vocabulary lists."""

TokenKind = Literal["char", "byte", "word", "bpe"]
"""What a tokenizer cuts a text into."""

PLURAL: dict[str, str] = {"char": "characters", "word": "words", "byte": "bytes", "bpe": "tokens"}
