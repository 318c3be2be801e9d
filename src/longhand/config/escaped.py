"""The mark of settings that are texts in which the command line understands escapes (`longhand.text.escapes`)."""

from __future__ import annotations

from typing import Any

ESCAPED: dict[str, Any] = {"escaped": True}
"""The `extra` of their `Meta`."""
