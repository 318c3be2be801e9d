"""`longhand info`."""

from __future__ import annotations

from typing import Any

import click

from longhand.cli.options import given, settings_options
from longhand.cli.output import show, visible
from longhand.config import RunConfig


@click.command()
@click.argument("model", metavar="MODEL")
@settings_options(RunConfig)
@click.option("--json", "as_json", is_flag=True, help="print JSON, for programs")
def info(model: str, as_json: bool, **run: Any) -> None:
    """Say what is in a model file."""
    import msgspec

    from longhand.model import load
    from longhand.modelfile import existing_model

    loaded = load(model, **given(run))
    path = existing_model(model)
    facts: dict[str, Any] = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "tokens": loaded.tokenizer.kind,
        **msgspec.to_builtins(loaded.config),
        "parameters": loaded.file.parameters,
        "runtime": loaded.runtime.name,
        "precision": loaded.runtime.precision,
        "precision_reason": loaded.runtime.why_precision,
        "threads": loaded.runtime.threads,
        "instructions": loaded.runtime.instructions,
        "runtime_notice": loaded.runtime.why_not_native,
        **msgspec.to_builtins(loaded.card),
    }
    if as_json:
        show(msgspec.json.format(msgspec.json.encode(facts)).decode("utf-8"))
        return
    if facts["window"] is None:
        facts["window"] = "none: all that came before counts"
    facts["threads"] = facts["threads"] or "NumPy decides"
    for name in ("instructions", "runtime_notice"):
        facts[name] = facts[name] or "none"
    for name, value in facts.items():
        show(f"{name.replace('_', ' '):30} {visible(' '.join(_shown(value).split()))}")


def _shown(value: Any) -> str:
    if value is None or value in ("", []):
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list):
        return ", ".join(map(str, value[:5])) + (f" and {len(value) - 5} more" if len(value) > 5 else "")
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
