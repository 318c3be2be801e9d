"""Processes of our own that cut large texts into words and number them, each a piece at a time.

They are plain child processes that answer on a pipe: Python's own pools start the caller's script once more in each
child, which a script that simply says `longhand.train(...)` does not survive.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import IO, Any

import msgspec

from longhand.errors import CorpusError
from longhand.text.segments import segments
from longhand.text.utf8 import utf8_bytes

START = "import sys; sys.path[:] = sys.argv[1:]; from longhand.text.workers import serve; serve()"
LENGTH = struct.Struct("<Q")
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}  # they are parallel themselves


class Workers:
    """Some processes with one task.

    - task: {"tokenizer": its record, "ends": what ends a document}, to number pieces as int32, or {"rule": how to cut
      text}, to count their words, which come back as JSON
    """

    def __init__(self, count: int, task: dict[str, Any]) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        try:
            for _ in range(count):
                self._children.append(_started())
            for child in self._children:
                _ask(child, msgspec.json.encode(task))
        except BaseException:
            self.close()
            raise

    def answers(self, pieces: Iterable[tuple[int, str]]) -> Iterator[tuple[tuple[int, str], bytes]]:
        """Yield each piece with what was answered, in order. Raises `CorpusError` if a process has ended."""
        asked: deque[tuple[tuple[int, str], subprocess.Popen[bytes]]] = deque()
        for number, piece in enumerate(pieces):
            child = self._children[number % len(self._children)]
            if len(asked) == len(self._children):  # the first that was asked is the one whose turn it is
                yield asked[0][0], _answer(asked.popleft()[1])
            _ask(child, utf8_bytes(piece[1]))
            asked.append((piece, child))
        for piece, child in asked:
            yield piece, _answer(child)

    def close(self) -> None:
        """End the processes."""
        for child in self._children:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    _closed(pipe)


def _started() -> subprocess.Popen[bytes]:
    """Start a process, in a session of its own: Ctrl-C is for the one who asks."""
    command = [sys.executable, "-c", START, *sys.path]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
    try:
        return subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, **pipes)  # noqa: S603
    except OSError as error:
        raise CorpusError(f"no process could be started to cut the text into words ({error})") from error


def serve() -> None:
    """Answer, in such a process, until nothing more is asked, or nobody is there any more."""
    try:
        _serve()
    except BrokenPipeError:
        os._exit(0)  # Python would try to write the rest


def _serve() -> None:
    from longhand.text.numbering import token_numbers
    from longhand.text.tokenizer import tokenizer_from_record

    task = msgspec.json.decode(_received(sys.stdin.buffer) or b"{}")
    tokenizer = tokenizer_from_record(task["tokenizer"]) if "tokenizer" in task else None
    while (data := _received(sys.stdin.buffer)) is not None:
        piece = data.decode("utf-8", "surrogatepass")
        if tokenizer is None:
            answer = msgspec.json.encode(Counter(segments(piece, task["rule"])))
        else:
            answer = token_numbers(piece, tokenizer, task["ends"]).astype("i4").tobytes()
        _send(sys.stdout.buffer, answer)


def _closed(pipe: IO[bytes]) -> None:
    """Close a pipe whose other end may be gone."""
    try:
        pipe.close()
    except OSError:
        return


def _ask(child: subprocess.Popen[bytes], message: bytes) -> None:
    assert child.stdin is not None
    try:
        _send(child.stdin, message)
    except OSError:
        raise _ended(child) from None


def _answer(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    if (answer := _received(child.stdout)) is None:
        raise _ended(child)
    return answer


def _ended(child: subprocess.Popen[bytes]) -> CorpusError:
    return CorpusError(
        f"a process that cuts the text into words ended (status {child.wait()}): out of memory? Take a smaller "
        "--vocabulary, or --tokens char"
    )


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(LENGTH.pack(len(message)))
    pipe.write(message)
    pipe.flush()


def _received(pipe: IO[bytes]) -> bytes | None:
    header = pipe.read(LENGTH.size)
    if len(header) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(header)
    message = pipe.read(length)
    return message if len(message) == length else None
