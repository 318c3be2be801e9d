"""Decoding JSON that may be damaged or hostile: one kind of error, whatever is wrong with it."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import msgspec

Decoded = TypeVar("Decoded")


@overload
def decode_json(data: bytes | str) -> Any: ...
@overload
def decode_json(data: bytes | str, kind: type[Decoded]) -> Decoded: ...
def decode_json(data: bytes | str, kind: Any = Any) -> Any:
    """Decode JSON and check that it is of a type.

    Raises `ValueError` for what is no JSON, no UTF-8, nested too deeply, or of another type. msgspec raises
    `RecursionError`, which is no `ValueError`, for what is nested too deeply.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
