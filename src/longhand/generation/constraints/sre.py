"""Python's own parser and compiler of regular expressions, which moved in 3.11."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    import re._compiler as compiler  # type: ignore[import-not-found]
    import re._constants as constants  # type: ignore[import-not-found]
    import re._parser as parser  # type: ignore[import-not-found]
else:
    import sre_compile as compiler
    import sre_constants as constants
    import sre_parse as parser

__all__ = ["compiler", "constants", "parser"]
