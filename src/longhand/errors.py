"""Every error that Longhand raises for a person to act on.

::

    LonghandError
    ├── OptionError        an option outside its range, or two that exclude each other
    ├── CorpusError        a text that cannot be read, or is too short to learn from
    ├── ModelFormatError   a file that is no Longhand model, or a damaged one
    ├── OutputError        a result that cannot be written, or would overwrite something
    ├── MissingExtraError  a part of Longhand that was not installed
    └── TrainingError      a training that cannot go on

A message is one line: what was found, what was expected, what to do. The command line prints it and
exits with code 2; anything that is not a `LonghandError` is a defect of ours.
"""


class LonghandError(Exception):
    """The root of the tree; catch this to catch all of them."""


class OptionError(LonghandError, ValueError):
    """An option outside its range, or two that exclude each other."""


class CorpusError(LonghandError, ValueError):
    """A text that cannot be read, or is too short to learn from."""


class ModelFormatError(LonghandError, ValueError):
    """A file that is no Longhand model, or a damaged one."""


class OutputError(LonghandError, OSError):
    """A result that cannot be written, or would overwrite something."""


class MissingExtraError(LonghandError, ImportError):
    """A part of Longhand that was not installed."""


class TrainingError(LonghandError, RuntimeError):
    """A training that cannot go on."""
