"""What `longhand serve` refuses to serve, and where: guessable keys, others without one, taken ports."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, assert_refused
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import tiny

from longhand.serving.server import read_keys

EVERYWHERE = "0.0.0.0"  # noqa: S104 (it is what a key is for)


@pytest.fixture
def serve(longhand: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `longhand serve` up to where it would listen for ever."""

    def listens(*_: Any) -> None:
        raise AssertionError("it serves, and should have refused to")

    monkeypatch.setattr("longhand.serving.server._Server.run", listens)
    return lambda *arguments: longhand("serve", *arguments)


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "10.255.255.1", "example.com", "0", "localhost.example.com"])
def test_others_are_not_let_in_without_a_key(host: str, model_path: Path, serve: Run) -> None:
    assert_refused(serve(model_path, "--host", host), "--key-file FILE, or listen at 127.0.0.1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found no key"),
        (b" \n\r\n\t\n", "found no key"),
        (b"short", "key 1 has 5 bytes, expected at least 16"),
        (b"0123456789abcdef\nshort\n", "key 2 has 5 bytes"),
        (b"0123456789 abcdef", "of visible ASCII"),
        ("0123456789äbcdef".encode(), "of visible ASCII"),
        ("0123456789abcdef".encode("utf-16"), "of visible ASCII"),
        (b"\0" * 32, "of visible ASCII"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_keys_that_can_be_guessed_are_refused(
    content: bytes | None, message: str, tmp_path: Path, model_path: Path, serve: Run
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    done = serve(model_path, "--key-file", path)
    assert_refused(done, message)
    assert "0123456789" not in done.stderr
    if content is None or len(content.strip()) < 16:
        assert_refused(serve(model_path, "--state-key-file", path), str(path))


def test_a_folder_is_no_file_of_keys(tmp_path: Path, model_path: Path, serve: Run) -> None:
    for option in ("--key-file", "--state-key-file"):
        assert_refused(serve(model_path, option, tmp_path), "cannot be read")


@settings(max_examples=50)
@given(keys=st.lists(st.text([chr(code) for code in range(0x21, 0x7F)], min_size=16, max_size=40), min_size=1))
def test_all_keys_of_a_file_are_read_whatever_ends_its_lines(
    keys: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("keys") / "keys"
    keys = [key for key in keys if not key.startswith("#")] or ["a" * 16]
    for end in ("\n", "\r\n", " \n\n", "\n# of somebody\n"):
        path.write_bytes(end.join(keys).encode())
        assert read_keys(path) == [key.encode() for key in keys]


def test_a_port_that_is_taken_is_named(model_path: Path, serve: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert_refused(serve(model_path, "--port", port), f"cannot listen at 127.0.0.1, port {port}")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "a" * 70 + ".b", "999.1.1.1", "127.0.0.1:80", "http://a"])
def test_a_host_that_is_none_is_named(host: str, tmp_path: Path, model_path: Path, serve: Run) -> None:
    (tmp_path / "keys").write_text("a-key-0123456789abcdef", encoding="ascii")
    assert_refused(serve(model_path, "--host", host, "--key-file", tmp_path / "keys"), "which is no address")


def test_what_cannot_be_served_is_named(tmp_path: Path, model_path: Path, serve: Run) -> None:
    other = tmp_path / "other" / model_path.name
    other.parent.mkdir()
    other.write_bytes(model_path.read_bytes())
    assert_refused(serve(model_path, other), f"two are called {model_path.stem}")
    assert_refused(serve(model_path, model_path), f"two are called {model_path.stem}")
    assert_refused(serve(tmp_path / "none.safetensors"), "none.safetensors")
    assert_refused(serve(model_path, tmp_path / "none.run"), "none.run: no folder")
    (tmp_path / "file.run").write_text("", encoding="ascii")
    assert_refused(serve(tmp_path / "file.run"), "file.run: no folder")
    for folder in ("one/a.run", "two/a.run"):
        (tmp_path / folder).mkdir(parents=True)
    assert_refused(serve(tmp_path / "one" / "a.run", tmp_path / "two" / "a.run"), "two are called a")
    nameless = tiny(tmp_path, "nameless")[0].rename(tmp_path / ".safetensors")
    assert_refused(serve(nameless), "without a name of its own")
    (tmp_path / "text.txt").write_text("a text", encoding="ascii")
    assert_refused(serve(tmp_path / "text.txt"), "text.txt")
    assert_refused(serve(tmp_path), str(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize(("mode", "told"), [(0o644, True), (0o640, True), (0o600, False), (0o400, False)])
def test_keys_that_other_users_can_read_are_told_of(
    mode: int, told: bool, tmp_path: Path, model_path: Path, longhand: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("a-key-0123456789abcdef", encoding="ascii")
    keys.chmod(mode)
    monkeypatch.setattr("longhand.serving.server.serve", lambda *_, ready, **__: ready("http://127.0.0.1:1"))
    done = longhand("serve", model_path, "--key-file", keys)
    assert ("other users of this machine can read these keys: chmod 600" in done.stderr) == told
