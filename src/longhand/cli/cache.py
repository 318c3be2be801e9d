"""`longhand cache`."""

from __future__ import annotations

import click

from longhand.cli.output import note, show, visible

MEGABYTE = 1e6


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """Say which large texts are kept prepared.

    The tokens of texts of more than 64 MB (16 MB in words or parts of words) are kept in a folder, so that the next
    training of the same text begins at once. LONGHAND_CACHE in the environment names another folder; with
    LONGHAND_CACHE=0 nothing is kept.
    """
    if context.invoked_subcommand is not None:
        return
    from longhand.text.cache import cache_folder, kept_texts

    if (folder := cache_folder()) is None:
        show("nothing is kept: LONGHAND_CACHE is 0")
        return
    texts = kept_texts(folder)
    show(f"{visible(str(folder))}: {_megabytes(sum(text.size for text in texts))}")
    for text in texts:
        what = visible(", ".join(text.names)) or "damaged"
        show(f"  {_megabytes(text.size):>12}  {what}{'' if text.complete or not text.names else ', not to its end'}")


@cache.command()
def clear() -> None:
    """Remove what is kept; a later training prepares its text anew."""
    from longhand.text.cache import cache_folder
    from longhand.text.cache import clear as remove

    if (folder := cache_folder()) is None:
        show("nothing is kept: LONGHAND_CACHE is 0")
        return
    freed, used = remove(folder)
    show(f"{visible(str(folder))}: {_megabytes(freed)} removed")
    for one in used:
        note(f"{one} stays: a training uses it at the moment")


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"
