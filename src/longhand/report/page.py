"""The page: one HTML file, complete in itself, that shows a history.

All text comes from the log, which anybody may have written: Jinja2 escapes it, and the page's own policy lets nothing
run, and nothing load, but the style and the script that are in it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from longhand.files import write_atomically
from longhand.modelfile import SUFFIX
from longhand.pages.rendering import rendered
from longhand.report.charts import Chart, Reading, chart
from longhand.report.fields import shown
from longhand.report.history import LOG, History, Score, read_history
from longhand.report.readings import held_out_readings, rate_readings, score_of, training_readings, with_samples

REPORT = "report.html"
MOST_SAMPLES = 40
MOST_ROWS = 100  # of the table of scores
MOST_INCIDENTS = 50
Item = TypeVar("Item")


@dataclass(frozen=True)
class Drawn:
    """A chart, what it shows, and the values that the script shows at a point."""

    shows: str
    chart: Chart
    points: list[dict[str, Any]]


def write_report(folder: Path, output: Path | None = None, *, overwrite: bool = True) -> Path:
    """Write the report of a training's folder, NAME.run, into it or to `output`; return where it is.

    The folder's own report is always replaced, another file only with `overwrite`. Raises `OptionError` if the folder
    has no log that can be read, `OutputError` if the report cannot be written.
    """
    target = folder / REPORT if output is None else output
    page = report_page(read_history(folder / LOG), folder.resolve().name.removesuffix(".run"))
    write_atomically(target, page.encode("utf-8"), overwrite=output is None or overwrite, private=output is None)
    return target


def report_page(history: History, name: str) -> str:
    """Return the page that shows a history; `name` is the model's."""
    return rendered(
        "report",
        FILTERS,
        history=history,
        name=shown(name.removesuffix(SUFFIX)),
        begun=_day(history.time),
        score=score_of(history),
        charts=_charts(history),
        samples=_samples(history),
        rows=_some(history.scores, MOST_ROWS),
        incidents=history.incidents[-MOST_INCIDENTS:],
    )


def _charts(history: History) -> list[Drawn]:
    held_out = held_out_readings(history)
    moments = [(incident.kind, incident.seconds) for incident in history.incidents if incident.seconds is not None]
    lines, flagged = {"training": training_readings(history), "held out": held_out}, _flagged(history, held_out)
    drawn = [("scores", _bits, chart(lines, dotted="held out", moments=moments, flagged=flagged))]
    drawn.append(("rate", _rate, chart({"rate": rate_readings(history)}, moments=moments, from_zero=True)))
    return [Drawn(shows, one, _points(one, label)) for shows, label, one in drawn if one is not None]


def _flagged(history: History, held_out: list[Reading]) -> list[tuple[str, Reading]]:
    """Return the best reading and, where that is another one, the one whose weights were kept."""
    if not held_out:
        return []
    best = min(held_out, key=lambda reading: reading.value)
    bits = None if history.card is None else history.card.validation_bits_per_character
    kept = [("kept", reading) for reading in held_out if reading.value == bits != best.value]
    return [("best", best), *kept[-1:]]


def _points(drawn: Chart, label: Callable[[float], str]) -> list[dict[str, Any]]:
    return [
        {
            "name": line.name,
            "x": [spot.x for spot in line.spots],
            "y": [min(max(spot.y, 0.0), 100.0) for spot in line.spots],
            "values": [label(spot.reading.value) for spot in line.spots],
            "times": [duration(spot.reading.seconds) for spot in line.spots],
            "steps": [_count(spot.reading.step) for spot in line.spots],
        }
        for line in drawn.lines
    ]


def _samples(history: History) -> list[Score]:
    """Return scores whose samples are shown, the newest first, and the very first among them."""
    return _some(with_samples(history)[::-1], MOST_SAMPLES)


def _some(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many items, evenly distributed, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[place * (len(items) - 1) // (most - 1)] for place in range(most)]


def _day(time: str) -> str:
    """Return a time as people write it; what is no time stays as it is."""
    try:
        moment = datetime.datetime.fromisoformat(time)
        if moment.tzinfo is not None:
            moment = moment.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        return time
    zone = "" if moment.tzinfo is None else " UTC"
    return f"{moment.day} {moment:%B} {moment.year}, {moment:%H:%M}{zone}"


def duration(seconds: float) -> str:
    """Return a time as people say it: 3.2 s, 45 s, 1 min 22 s, 2 h 05 min."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600:,} h {whole // 60 % 60:02} min"


def _bits(value: float) -> str:
    return f"{value:.3f}"


def _rate(value: float) -> str:
    return f"{value:.3g}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


FILTERS = {"bits": _bits, "duration": duration, "rate": _rate, "count": _count}
