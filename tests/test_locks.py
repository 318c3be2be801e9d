"""What is installed is what was locked: every file by its hash, the same versions everywhere, images by digest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
DIGEST = re.compile(r"FROM docker\.io/library/python:\S+@sha256:[0-9a-f]{64}( AS build)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(lock: Path) -> dict[str, list[str]]:
    """Return the hashes of each requirement of a lock, by its name, version and conditions."""
    text = re.sub(r"^#.*\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return {line.split(" --hash")[0].strip(): HASH.findall(line) for line in text.splitlines() if line}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_has_one_version_and_the_hashes_of_its_files(lock: Path) -> None:
    found = pins(lock)
    assert found
    for requirement, hashes in found.items():
        assert re.match(r"[a-z0-9.-]+==[0-9][0-9a-z.]*( ;|$)", requirement), requirement
        assert hashes, requirement


def test_the_smaller_locks_are_parts_of_the_large_one() -> None:
    whole = pins(ROOT / "requirements" / "dev.lock")
    for name in ("base", "serve", "build"):
        for requirement, hashes in pins(ROOT / "requirements" / f"{name}.lock").items():
            assert whole[requirement] == hashes, requirement


def test_torch_alone_is_locked_elsewhere() -> None:
    names = {re.split("==", requirement)[0] for requirement in pins(ROOT / "requirements" / "dev.lock")}
    assert not any(re.match("torch|triton|nvidia|cuda", name) for name in names)
    (torch,) = pins(ROOT / "requirements" / "torch.lock")
    assert torch.startswith("torch==")


def test_the_container_is_made_of_what_is_pinned_alone() -> None:
    lines = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    images = [line for line in lines if line.startswith("FROM")]
    assert len(images) == 2
    assert all(DIGEST.fullmatch(image) for image in images)
    commands = [command for line in lines if line.startswith("RUN") for command in line.split("&&")]
    assert not any("apt" in command.split() or "apt-get" in command.split() for command in commands)
    installing = [command for command in commands if re.search("pip (install|wheel)", command)]
    assert len(installing) == 4
    for command in installing:
        assert "--require-hashes --only-binary :all:" in command or "--no-index --no-deps" in command, command


def test_everything_that_make_installs_is_held_against_its_hash() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    installing = [line for line in text.splitlines() if re.search(r"\$\(PIP\)|pip install", line) and ":=" not in line]
    assert len(installing) == 7
    for line in installing:
        assert "--require-hashes" in line or re.search(r"--no-deps .*(-e \.|build/wheel/\*\.whl)$", line), line
