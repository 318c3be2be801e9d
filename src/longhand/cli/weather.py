"""`longhand demo weather`: models of a source whose entropy is known, measured against it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longhand.cli.output import note, noted_if_slow, show
from longhand.config import DemoConfig, RunConfig
from longhand.settings import configured

if TYPE_CHECKING:
    from longhand.config import TrainConfig
    from longhand.modelfile import ModelFile
    from longhand.thermometer.gauge import Gauge, Result

FAR: Mapping[str, float] = {
    "memory": 300,
    "window": 128,
    "batch": 8,
    "hidden": 192,
    "learning_rate": 0.002,
    "weight_decay": 0.0,
}
NEAR: Mapping[str, float] = {"memory": 100, "learning_rate": 0.002, "weight_decay": 0.0}
"""Settings of a training, beside what is planned, for tokens that are characters and for longer ones."""


class Bulletins(io.StringIO):
    """A text of weather bulletins to learn from; its name is what a model's card says of it."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def weather_demo(output: str, minutes: float, overwrite: bool, values: Mapping[str, Any]) -> int:
    """Train, measure, and show a table and a page; return the exit code.

    - output: what the names of all files begin with: NAME-char.safetensors, NAME-word.safetensors, NAME.html
    - values: fields of `DemoConfig`
    """
    from longhand.api import settings_of
    from longhand.cli.train import exit_code
    from longhand.corpora.weather import entropy
    from longhand.files import refuse_existing, write_atomically
    from longhand.model import Model
    from longhand.modelfile import SUFFIX, model_path
    from longhand.thermometer.gauge import Result, fresh_sample, gauged, text_to_learn
    from longhand.thermometer.page import result_page

    config = configured(DemoConfig, values)
    kinds = ("char", "word") if config.tokens == "both" else (config.tokens,)
    output = output.removesuffix(SUFFIX)
    targets = {kind: model_path(f"{output}-{kind}") for kind in kinds}
    page = Path(f"{output}.html")
    for path in (page, *targets.values()):
        refuse_existing(path, overwrite)
    trained = {
        kind: {"minutes": minutes, "tokens": kind, "seed": config.seed, **given_settings(config.language, kind)}
        for kind in kinds
    }
    settings = {kind: settings_of(targets[kind], trained[kind], resume=False) for kind in kinds}
    with noted_if_slow("making weather ..."):
        text, sample = text_to_learn(config.language, minutes, config.seed), fresh_sample(config.language, config.seed)
    name = f"weather bulletins ({config.language}, seed {config.seed})"
    gauges: list[Gauge] = []
    code = 0
    for kind in kinds:
        file = _trained(Bulletins(text, name), targets[kind], *settings[kind], overwrite)
        if code := exit_code(file.card.stopped_by):
            break
        note(f"measuring {targets[kind]}, and letting it write ...")
        gauges.append(
            gauged(Model(file, RunConfig(precision="fp32")), sample, config.seed, given_settings(config.language, kind))
        )
    if not gauges:
        return code
    result = Result(entropy(config.language), sample, gauges, len(text), minutes, config.seed)
    show("\n" + "\n".join(table(result)))
    write_atomically(page, result_page(result).encode("utf-8"), overwrite=overwrite)
    show(f"\n{page} shows it")
    return code


def given_settings(language: str, tokens: str) -> Mapping[str, float]:
    """Return the settings that a training has beside what is planned: words are characters where no spaces are."""
    return NEAR if (language, tokens) == ("en", "word") else FAR


def _trained(text: Bulletins, target: Path, config: TrainConfig, free: frozenset[str], overwrite: bool) -> ModelFile:
    """Train a model, shown as every training is."""
    from longhand.api import reported, written_sample
    from longhand.cli.watcher import watching
    from longhand.training.trainer import train_model

    with watching(resumable=False) as watcher:
        return train_model(
            [text],
            config,
            target,
            free=free,
            overwrite=overwrite,
            tell=reported(target, watcher),
            sample=written_sample,
        )


def table(result: Result) -> list[str]:
    """Return what was found as lines: bits, and errors by distance."""
    from longhand.corpora.weather import language_of
    from longhand.thermometer.gauge import WRITTEN
    from longhand.thermometer.page import NAMES, bits, errors, percent, signed
    from longhand.thermometer.reach import BINS, LONG, bin_name

    own, entropy = result.sample.bits_per_character, result.entropy.bits_per_character
    rows = [("bits per character", "", "from the grammar", "from the entropy")]
    rows.append(("true entropy", bits(entropy), "", ""))
    rows.append(("the grammar on a fresh sample", bits(own), "", signed(own / entropy - 1)))
    rows += [
        (f"the model, {NAMES[gauge.tokens]}", bits(gauge.bits), signed(gauge.distance), signed(gauge.from_entropy))
        for gauge in result.gauges
    ]
    lines = _aligned(rows)
    for gauge in result.gauges:
        lines += [
            "",
            f"Errors by characters between the two ends, in {WRITTEN:,} bulletins written {NAMES[gauge.tokens]}",
        ]
        counted = [("", *(bin_name(place) for place in range(len(BINS))))]
        kinds = [bond.kind for bond in language_of(result.sample.language).bonds]
        counted += [(kind, *(errors(tally) for tally in gauge.reach.of(kind))) for kind in kinds]
        lines += _aligned(counted)
        if (all_long := gauge.reach.all_long()).error_rate is not None:
            lines.append(
                f"{LONG} characters and more apart: {percent(1 - all_long.error_rate)} of {all_long.count:,} right"
            )
        lines.append(f"faultless bulletins: {percent(gauge.well_formed)}")
    return lines


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a table's rows as lines, the first column to the left and all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]
