"""Builds the kernel with the C compiler that is here; without one Longhand installs all the same and runs on NumPy.

The kernel is a shared library loaded through ctypes, not a module: it knows nothing of Python, so that one wheel
serves every Python version of a platform. All else is in pyproject.toml.
"""

from __future__ import annotations

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

KERNEL = Extension(
    "longhand.runtime.native._kernel",
    ["src/longhand/runtime/native/kernel.c"],
    extra_compile_args=[
        "-std=c11",
        "-O3",
        "-ffp-contract=fast",
        "-Wno-psabi",
        "-fvisibility=hidden",
        "-pthread",
        "-g0",
    ],
    extra_link_args=["-pthread"],
    optional=True,
)


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


setup(ext_modules=[KERNEL], cmdclass={"build_ext": BuildLibrary, "bdist_wheel": PlatformWheel})
