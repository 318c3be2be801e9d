"""Damage to files, by chance and on purpose: of JSON, of arrays, of safetensors files, and of bytes of any file.

A `Mutator` of the same seed makes the same damage, so that a failure can be repeated.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

HEADER = 8  # bytes of a safetensors file that hold its header's length
SHORT_PREFIX = 600  # bytes: most of a file's structure is at its beginning
ODD_INTEGERS = (-1, 0, 1, 2, 15, 17, 63, 64, 256, 65_536, 2**24 + 1, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**30)
ODD_FLOATS = (0.0, -0.0, -1.0, 0.5, 1e-320, 1e-45, 1e30, -1e30, 1e308, float("inf"), float("-inf"), float("nan"))
ODD_TEXTS = ("", "a", "\0", "\x1b[31m", "漢", "\u202e", "../x", "nan", "1", "x" * 5000)
ODD_OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [1], [[]], {"a": 1}, ["a", "a"], [None])
ODD_TYPES = ("F64", "F16", "BF16", "F32", "F8_E4M3", "I64", "I32", "U64", "U8", "BOOL", "X", 5, None)
LARGEST = float(np.finfo(np.float32).max)
ODD_WEIGHTS = (0.0, LARGEST, -LARGEST, 1e30, -1e30, 1e19, 1e-40, -1e-45, np.nan, np.inf, -np.inf)
DEPTHS = (10, 900, 1100, 100_000)
TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U64": "<u8", "U8": "u1", "BOOL": "u1"}


class Mutator:
    """Makes damage by chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def odd_value(self) -> Any:
        """Return a value that hardly anybody expects."""
        return self.random.choice(self.random.choice((ODD_INTEGERS, ODD_FLOATS, ODD_TEXTS, ODD_OTHERS)))

    def odd_array(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a copy of an array with an odd number in one place, or everywhere."""
        copy, floats = array.copy(), array.dtype.kind == "f"
        odd = self.random.choice(ODD_WEIGHTS if floats else [n for n in ODD_INTEGERS if abs(n) < 2**63])
        whole = self.random.random() < 0.5 or not copy.size
        with np.errstate(all="ignore"):
            copy.reshape(-1)[slice(None) if whole else self.random.randrange(copy.size)] = np.array(odd).astype(
                array.dtype
            )
        return copy

    def damaged_json(self, data: Any) -> Any:
        """Return JSON data with one change, at any place of it."""
        if isinstance(data, dict | list) and data and self.random.random() < 0.85:
            key = self.random.choice(list(data) if isinstance(data, dict) else range(len(data)))
            copy: Any = data.copy()
            copy[key] = self.damaged_json(data[key])
            return copy
        others: list[Any] = [self.odd_value()]
        if isinstance(data, dict):
            missing = self.random.choice([*data, None])
            others.append({key: value for key, value in data.items() if key != missing})
            others.append({**data, self.random.choice(ODD_TEXTS): self.odd_value()})
        elif isinstance(data, list):
            others += [data * 2, data[: len(data) // 2], data[::-1], [*data, self.odd_value()]]
        elif isinstance(data, str):
            others += [data + self.random.choice(ODD_TEXTS), data[:-1], data + data]
        elif isinstance(data, int | float):
            others += [-data, data + 1, data - 1, data * 2]
        return self.random.choice(others)

    def damaged_document(self, text: bytes) -> bytes:
        """Return the bytes of a JSON document with a change of what it says, of its nesting or of its bytes."""
        chance = self.random.random()
        if chance < 0.1:
            depth = self.random.choice(DEPTHS)
            return self.random.choice((b"[" * depth + b"]" * depth, b'{"x":' * depth + b"1" + b"}" * depth))
        return self.damaged_bytes(text) if chance < 0.25 else json.dumps(self.damaged_json(json.loads(text))).encode()

    def damaged_bytes(self, data: bytes) -> bytes:
        """Return bytes of which some are changed, added or missing."""
        for _ in range(self.random.choice((1, 1, 2, 8))):
            reach = self.random.choice((HEADER, SHORT_PREFIX, len(data)))
            place, size = self.random.randrange(max(1, min(len(data), reach))), self.random.choice((1, 4, 64))
            before, after = data[:place], data[place + size :]
            data = self.random.choice(
                (
                    before + self.random.randbytes(size) + after,
                    before + self.random.randbytes(size) + data[place:],
                    before + bytes(size) + after,
                    before + after,
                    before,
                )
            )
        return data

    def damaged_tensors(self, data: bytes, records: Sequence[str]) -> bytes:
        """Return a safetensors file with damage to its metadata, its tensors or its bytes.

        - records: names of JSON documents in its metadata
        """
        length = int.from_bytes(data[:HEADER], "little")
        header, numbers = json.loads(data[HEADER : HEADER + length]), data[HEADER + length :]
        metadata = header.pop("__metadata__")
        chance = self.random.random()
        if chance < 0.5:
            name = self.random.choice(records)
            metadata[name] = self.damaged_document(metadata[name].encode()).decode("utf-8", "replace")
        elif chance < 0.55:
            metadata[self.random.choice(["format", "version"])] = self.random.choice(ODD_TEXTS)
        elif chance < 0.8:
            numbers = self._odd_numbers(header, numbers)
        else:
            self._damage_entry(header)
        head = json.dumps({"__metadata__": metadata, **header}).encode()
        whole = len(head).to_bytes(HEADER, "little") + head + numbers
        return self.damaged_bytes(whole) if self.random.random() < 0.15 else whole

    def _odd_numbers(self, header: dict[str, Any], numbers: bytes) -> bytes:
        entry = self.random.choice([*header.values()])
        begin, end = entry["data_offsets"]
        odd = self.odd_array(np.frombuffer(numbers[begin:end], TYPES[entry["dtype"]]))
        return numbers[:begin] + odd.tobytes() + numbers[end:]

    def _damage_entry(self, header: dict[str, Any]) -> None:
        """Change what the header says of a tensor, drop it, or let two tensors change places."""
        name, other = self.random.choice([*header]), self.random.choice([*header])
        chance = self.random.random()
        if chance < 0.2:
            header[name], header[other] = header[other], header[name]
        elif chance < 0.35:
            del header[name]
        elif chance < 0.5:
            header[self.random.choice(ODD_TEXTS)] = header[name]
        elif chance < 0.7:
            header[name] = {**header[name], "dtype": self.random.choice(ODD_TYPES)}
        else:
            header[name] = self.damaged_json(header[name])
