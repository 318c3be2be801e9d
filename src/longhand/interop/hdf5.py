"""Reading plain arrays and texts from an HDF5 file that may be damaged or hostile.

HDF5 can do more than hold numbers: links into other files, arrays whose bytes lie elsewhere, references, filters that
load plugins, arrays of any declared size that take no room. None of this is followed: a node is only used if it is
stored in this file, in full, and plainly, and all that is read may together not be more than the file. So nothing
outside the file is read, and memory is bounded by its size, but for the texts of an attribute, up to 200, which may
all be the same one. For that, and for files on which libhdf5 itself goes wrong, `apart` sets limits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from longhand.arrays import FloatArray
from longhand.errors import ModelFormatError

if TYPE_CHECKING:
    import h5py

MOST_NODES = 10_000  # in one group
MOST_TEXTS = 200  # in one attribute: a model has a few dozen layers
MOST_DIMENSIONS = 2
DEEPEST = 10
PROBLEMS = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError)


@contextmanager
def opened(source: Path | BinaryIO, label: str, size: int) -> Iterator[Group]:
    """Open an HDF5 file and give its root.

    - label: what to call the file in errors
    - size: its size in bytes, which nothing in it may exceed

    Raises `ModelFormatError` for whatever is wrong with it, then and while it is read.
    """
    import h5py

    with explained(label):
        name = os.fspath(source) if isinstance(source, Path) else source
        file = h5py.File(name, "r")
    with file:
        yield Group(file, label, Budget(label, size))


@contextmanager
def explained(label: str) -> Iterator[None]:
    """Turn what h5py raises on a damaged file into `ModelFormatError`."""
    try:
        yield
    except ModelFormatError:
        raise
    except MemoryError:
        raise ModelFormatError(f"{label}: needs more memory than there is for it; expected weights of Keras") from None
    except PROBLEMS as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if "filter" in reason and "not" in reason:
            raise ModelFormatError(
                f"{label}: compressed by a filter that h5py does not have here ({reason}): save it anew without"
            ) from None
        raise ModelFormatError(f"{label}: damaged, or no HDF5 file ({reason})") from None


class Budget:
    """How many bytes may still be read: of numbers that a file keeps once, once."""

    def __init__(self, label: str, size: int) -> None:
        self.left, self._label = size, label

    def spend(self, size: int) -> None:
        """Take note of bytes that are going to be read; raises `ModelFormatError` if they are too many."""
        self.left -= size
        if self.left < 0:
            raise ModelFormatError(f"{self._label}: its layers name the same numbers several times, more than it holds")


class Group:
    """A group of an HDF5 file, of which only what lies in the file itself can be had.

    - label: file and place, for errors
    """

    def __init__(self, group: h5py.Group, label: str, budget: Budget) -> None:
        self._group, self.label, self._budget = group, label, budget

    def names(self) -> list[str]:
        """Return the names in this group, in alphabetical order."""
        with explained(self.label):
            if len(self._group) > MOST_NODES:
                raise ModelFormatError(f"{self.label}: {len(self._group)} entries, expected at most {MOST_NODES}")
            return [str(name) for name in self._group]

    def __contains__(self, name: str) -> bool:
        with explained(self.label):
            return name in self.names()

    def group(self, path: str) -> Group:
        """Return a group below this one. Raises `ModelFormatError` if it is none, is not there, or lies elsewhere."""
        import h5py

        node, label = self._node(path)
        if not isinstance(node, h5py.Group):
            raise ModelFormatError(f"{label}: expected a group of arrays, found {_kind(node)}")
        return Group(node, label, self._budget)

    def array(self, path: str) -> FloatArray:
        """Return an array below this group as 32-bit floats.

        Raises `ModelFormatError` if it is none, is not there, does not lie in this file in full, has more than two
        dimensions, or holds other things than finite floating-point numbers.
        """
        import h5py

        node, label = self._node(path)
        if not isinstance(node, h5py.Dataset):
            raise ModelFormatError(f"{label}: expected an array, found {_kind(node)}")
        with explained(label):
            self._refuse_unless_plain(node, label)
            with np.errstate(over="ignore"):
                values = np.asarray(node[()], np.float32)
        if not np.isfinite(values).all():
            raise ModelFormatError(f"{label}: holds numbers that are not finite; the file is damaged")
        return values

    def texts(self, name: str) -> list[str] | None:
        """Return the texts of an attribute of this group; None if it has none of that name."""
        import h5py

        label = f"{self.label}, attribute {name}"
        with explained(label):
            if name not in self._group.attrs:
                return None
            attribute = self._group.attrs.get_id(name)
            if h5py.check_string_dtype(attribute.dtype) is None and attribute.dtype.kind != "S":
                if np.prod(attribute.shape or (), dtype=np.float64) == 0:
                    return []  # an empty list has no type to speak of
                raise ModelFormatError(f"{label}: expected text, found {attribute.dtype}")
            count = int(np.prod(attribute.shape or (), dtype=np.float64))
            if count > MOST_TEXTS:
                raise ModelFormatError(f"{label}: {count} texts, expected at most {MOST_TEXTS}")
            self._budget.spend(attribute.get_storage_size())
            values = np.atleast_1d(np.asarray(self._group.attrs[name], dtype=object))
            return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values.ravel()]

    def _node(self, path: str) -> tuple[Any, str]:
        """Follow a path link by link; each must be one to a node in this file."""
        import h5py

        node, label = self._group, self.label
        names = path.strip("/").split("/")
        if len(names) > DEEPEST:
            raise ModelFormatError(f"{label}: names something {len(names)} groups below it")
        for name in names:
            with explained(label):
                link = node.get(name, getlink=True) if isinstance(node, h5py.Group) else None
                label = f"{label.rstrip('/')}/{_shown(name)}"
                if link is None:
                    raise ModelFormatError(f"{label}: missing")
                if not isinstance(link, h5py.HardLink):
                    raise ModelFormatError(f"{label}: a link to another place or file; such links are not followed")
                node = node[name]
        return node, label

    def _refuse_unless_plain(self, dataset: h5py.Dataset, label: str) -> None:
        plan = dataset.id.get_create_plist()
        if dataset.dtype.kind != "f":
            raise ModelFormatError(f"{label}: expected floating-point numbers, found {dataset.dtype}")
        if plan.get_external_count() or dataset.is_virtual:
            raise ModelFormatError(f"{label}: its numbers lie in another file, which is not read")
        if plan.get_nfilters():
            raise ModelFormatError(f"{label}: stored compressed or filtered; Keras stores plain numbers")
        if dataset.shape is None or len(dataset.shape) > MOST_DIMENSIONS:
            raise ModelFormatError(f"{label}: of shape {dataset.shape}, expected one or two dimensions")
        declared, stored = _bytes(dataset), dataset.id.get_storage_size()
        if declared > stored:
            raise ModelFormatError(
                f"{label}: declares {dataset.shape}, {declared:,} bytes, of which the file holds {stored:,}"
            )
        self._budget.spend(declared)


def _bytes(dataset: h5py.Dataset) -> int:
    size = int(dataset.dtype.itemsize)
    for length in dataset.shape:
        size *= int(length)
    return size


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name[:100])


def _kind(node: object) -> str:
    return "nothing" if node is None else f"a {type(node).__name__.lower()}"
