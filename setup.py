"""Builds what is in C with the compiler that is here; without one Longhand installs all the same and runs on NumPy.

These are shared libraries loaded through ctypes, not modules: they know nothing of Python, so that one wheel serves
every Python version of a platform. All else is in pyproject.toml.
"""

from __future__ import annotations

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

HEADERS = [
    "src/longhand/native/common.h",
    "src/longhand/native/lanes.h",
    "src/longhand/runtime/native/drawing.h",
]


def library(name: str, source: str) -> Extension:
    """Return how a part in C is built."""
    return Extension(
        name,
        [source],
        depends=HEADERS,
        extra_compile_args=[
            "-std=c11",
            "-O3",
            "-ffp-contract=fast",
            "-Wno-psabi",
            "-fvisibility=hidden",
            "-pthread",
            "-g0",
        ],
        extra_link_args=["-pthread", "-lm"],
        optional=True,
    )


LIBRARIES = [
    library("longhand.runtime.native._kernel", "src/longhand/runtime/native/kernel.c"),
    library("longhand.training.native._learn", "src/longhand/training/native/learn.c"),
]


class BuildLibrary(build_ext):
    """Names the library as what it is: of no particular Python."""

    def get_ext_filename(self, fullname: str) -> str:
        """Return where it goes, without a Python version in its name."""
        return fullname.replace(".", "/") + ".so"


class PlatformWheel(bdist_wheel):
    """Tags the wheel for any Python 3 on this platform."""

    def get_tag(self) -> tuple[str, str, str]:
        """Return what the wheel's name ends with."""
        return "py3", "none", super().get_tag()[2]


setup(ext_modules=LIBRARIES, cmdclass={"build_ext": BuildLibrary, "bdist_wheel": PlatformWheel})
