"""The page: one HTML file, complete in itself, that lets a person watch a model read.

All text in it, the one that was read and the model's own, is escaped by Jinja2 or set as text by the script, and the
page's policy lets nothing run, and nothing load, but its style, its script, and the worker that the script makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from longhand.errors import CorpusError
from longhand.files import refuse_existing, write_atomically
from longhand.gates.charts import influence_curve, lifetime_histogram
from longhand.gates.embedded import embedded
from longhand.gates.inspection import GATES, HALF, NAMED, Inspection
from longhand.gates.probes import Follower, Probe
from longhand.modelfile import SUFFIX
from longhand.pages.letters import visible
from longhand.pages.rendering import rendered

SCRIPTS = ("cell", "held", "computing", "colours", "text", "map", "unit", "moving")  # what the page's is, in this order
LONGEST = 100_000  # tokens of a page
CHINESE = {
    "far into the line": "行的后半段",
    "inside quotes": "引号之内",
    "inside brackets": "括号之内",
    "in a comment": "注释之中",
    "in a capitalised word": "首字母大写的词",
    "a digit": "数字",
    "indentation": "行首缩进",
    "a space": "空格",
    "a line break": "刚刚换行",
    "a line break is next": "即将换行",
}
MEMORABLE = ("far into the line", "inside quotes", "inside brackets", "in a comment")
UNITS = {
    "char": ("character", "characters", "字符"),
    "byte": ("byte", "bytes", "字节"),
    "word": ("word", "words", "词"),
    "whitespace": ("token", "tokens", "词元"),
    "bpe": ("token", "tokens", "词元"),
}
"""What a token is, one and several, in English and in Chinese."""


def write_page(found: Inspection, path: Path, *, overwrite: bool = False) -> Path:
    """Write the page of an inspection and return where it is; errors as in `Inspection.write_page`."""
    refuse_existing(path, overwrite)
    write_atomically(path, page(found).encode("utf-8"), overwrite=overwrite)
    return path


def refuse_long(tokens: int) -> None:
    """Raise `CorpusError` for a text of more tokens than a page shows."""
    if tokens > LONGEST:
        raise CorpusError(
            f"the text has {tokens:,} tokens, a page shows up to {LONGEST:,}: give a shorter one, or leave -o out"
        )


def page(found: Inspection) -> str:
    """Return the page of an inspection.

    Raises `CorpusError` for a text of more tokens than a page shows.
    """
    refuse_long(len(found.trace))
    tested = [each for each in found.probes if not each.missing]
    return rendered(
        "gates",
        FILTERS,
        policy="worker-src blob:",
        scripts=[f"page-{script}.js" for script in SCRIPTS],
        found=found,
        name=visible(found.name.removesuffix(SUFFIX)),
        unit=UNITS[found.tokenizer.kind],
        layers=_layers(found),
        chinese=CHINESE,
        curve=influence_curve(found.influence, found.told_influence),
        told=found.told_influence,
        lives=lifetime_histogram(HALF * found.lifetimes),
        first=_first(tested),
        probes=sorted(tested, key=lambda each: -(each.auc or 0)),
        numbers={each.name: place for place, each in enumerate(found.probes)},
        untested=[each for each in found.probes if each.missing],
        longest=[(layer, unit, found.half_life(layer, unit)) for layer, unit in found.longest_lived[:NAMED]],
        data=embedded(found) | {"names": [[each.name, CHINESE.get(each.name, each.name)] for each in found.probes]},
    )


def _first(tested: list[Probe]) -> Follower | None:
    """Return the unit that is shown first: the one that follows best what takes a memory to follow."""
    worth = [each for each in tested if each.name in MEMORABLE] or tested
    return max(worth, key=lambda each: each.auc or 0).best[0] if worth else None


def _layers(found: Inspection) -> list[dict[str, Any]]:
    """Return what the page says of each layer's gates."""
    means = {gate: found.gate_means(gate) for gate in GATES}
    result = []
    for layer in range(len(found.lifetimes)):
        values = {gate: means[gate][layer] for gate in GATES}
        half_lives = HALF * found.lifetimes[layer]
        longest = int(half_lives.argmax())
        result.append(
            {gate: float(values[gate].mean()) for gate in GATES}
            | {
                "number": layer + 1,
                "median": float(np.median(half_lives)),
                "longest": longest + 1,
                "longest_life": float(half_lives[longest]),
                "long": int((half_lives >= 10).sum()),
                "choosy": int(values["input"].argmin()) + 1,
                "choosy_mean": float(values["input"].min()),
                "silent": int(values["output"].argmin()) + 1,
                "silent_mean": float(values["output"].min()),
                "open": int(values["output"].argmax()) + 1,
                "open_mean": float(values["output"].max()),
            }
        )
    return result


def _percent(share: float) -> str:
    if 0 < share < 0.0095:
        return f"{100 * share:.1g} %"
    return f"{100 * share:.0f} %"


def _span(count: float) -> str:
    """Return a number of tokens: 0.4, 7.5, 76, 1,200."""
    return f"{count:.1f}" if count < 9.95 else f"{count:,.0f}"


def _score(value: float) -> str:
    return f"{value:.3f}"


def _bits(value: float) -> str:
    """Return bits with two digits, or as less than what is measured."""
    return f"{value:.2g}" if value >= 1e-4 else "< 0.0001"


def _count(value: float) -> str:
    return f"{value:,.0f}"


FILTERS = {"percent": _percent, "span": _span, "score": _score, "bits": _bits, "count": _count}
