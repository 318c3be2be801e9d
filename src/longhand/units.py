"""What a token can be, and what to call several of them."""

from __future__ import annotations

from typing import Literal

Unit = Literal["char", "word"]
PLURAL: dict[str, str] = {"char": "characters", "word": "words"}
