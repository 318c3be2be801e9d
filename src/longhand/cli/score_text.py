"""A score for people: lines for a terminal, and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longhand.cli.output import visible
from longhand.config import ScoringConfig
from longhand.model import Model
from longhand.scoring.comparison import Comparison
from longhand.scoring.page import Row, few, score_page
from longhand.scoring.passages import RANKED_BY
from longhand.text.ngram import ORDER

NAMES = 3  # of files that are named
SINGULAR = {"char": "character", "byte": "byte", "word": "token", "whitespace": "token", "bpe": "token"}
WIDTH, LONGEST = 46, 30  # columns of what stands before the figures, and of a model's name there


def heading(names: Sequence[str], *, held_out: bool) -> str:
    """Return what to call a text that was scored."""
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return f"{', '.join(names[:NAMES])}{more}{', the held-out part' if held_out else ''}"


def score_lines(found: Comparison, model: Model, name: str, settings: ScoringConfig) -> Iterator[str]:
    """Yield the lines that tell of a score."""
    score = found.score
    yield visible(f"{name}: {score.characters:,} characters, {score.bytes:,} bytes, {score.words:,} words")
    yield f"{'bits':>{WIDTH + 8}} per character   per byte"
    for row in rows_of(found, model, settings):
        per_character = row.bits * score.bytes / score.characters
        yield f"{visible(row.name):{WIDTH}} {per_character:>17.3f} {row.bits:>10.3f}"
    token = SINGULAR[model.tokenizer.kind]
    words = f", a word {few(score.perplexity_per_word)}" if score.words else ""
    yield f"perplexity, a {token} {few(score.perplexity)}{words}"
    if score.unknown:
        named = (score.bits + score.naming) / score.characters
        yield (
            f"{score.unknown:,} tokens are unknown to the model and predicted as such; to say what they are takes "
            f"{score.naming / score.unknown:.1f} bits more each, {named:.3f} bits per character in all"
        )
    if found.worst:
        yield f"the least expected lines, ranked by {RANKED_BY}, so that a few rare characters are no line:"
    for passage in found.worst or ():
        text = visible(passage.text.replace("\t", " "))
        yield f"  line {passage.line:>7,} {passage.bits:6.2f} bits a character: {text}"


def rows_of(found: Comparison, model: Model, settings: ScoringConfig) -> list[Row]:
    """Return what needs how many bits for a byte, the model first."""
    score, name = found.score, shortened(model.name or "the model")
    done = improved(settings)
    rows = [Row(done or name, score.bits_per_byte, own=True)]
    if score.unadapted is not None:
        rows.append(Row(f"{name}, as it is", score.unadapted / score.bytes))
    if score.unknown:
        rows.append(Row("with what is unknown named", (score.bits + score.naming) / score.bytes))
    if found.ngram is not None:
        rows.append(Row(f"{ORDER}-gram model of the same text", found.ngram / score.bytes))
    rows += [Row("xz -6", found.xz / score.bytes), Row("gzip -9", found.gzip / score.bytes)]
    return rows


def shortened(name: str) -> str:
    """Return a model's name as it fits a table."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."


def settings_facts(settings: ScoringConfig) -> dict[str, str | int | None]:
    """Return what was done beyond predicting, for programs."""
    layers, size = settings.adapt_layers, settings.cache_size
    return {"adapt": layers if settings.adapt else None, "cache": size if settings.cache else None}


def improved(settings: ScoringConfig) -> str:
    """Return what was done beyond predicting, in words; empty if nothing."""
    layers = "an adapted output layer" if settings.adapt_layers == "output" else "all layers adapted"
    done = [layers] * settings.adapt + [f"a cache of {settings.cache_size:,}"] * settings.cache
    return f"with {' and '.join(done)}" if done else ""


def page_of(found: Comparison, model: Model, name: str, settings: ScoringConfig) -> str:
    """Return the page that shows a score."""
    assert found.beginning is not None
    return score_page(
        found.score,
        found.beginning,
        found.worst or (),
        rows_of(found, model, settings),
        model=model.name or "the model",
        names=name,
        token=SINGULAR[model.tokenizer.kind],
        improved=improved(settings),
    )
