"""The trainings that a server tells of: what lies in a run's folder, also while the training goes on."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from longhand.errors import LonghandError, OptionError
from longhand.report.charts import Reading, thinned
from longhand.report.fields import MOST_TEXTS, shown
from longhand.report.history import LOG, History, Incident, Kind, Score, State, read_history
from longhand.report.readings import held_out_readings, score_of, training_readings, with_samples

SUFFIX = ".run"
MOST_POINTS = 500  # of a curve
MOST_SAMPLES = 50
MOST_INCIDENTS = 50
LONGEST_SAMPLE = 2_000  # characters
QUICK_SECONDS, REST = 0.1, 10  # a log that takes longer to read is left alone for so many times as long
BIT_DECIMALS = 4  # as a log has them
NOTHING_YET = "Nothing yet: no log of a training can be read here. It is looked for again each time you ask."
Point: TypeAlias = tuple[float, float]
Stamp: TypeAlias = tuple[int, int, int]


class RunSample(msgspec.Struct, frozen=True, kw_only=True):
    """What the model wrote after a step."""

    step: int
    seconds: float | None
    bits: Annotated[float | None, Meta(description="per character, on held-out text")]
    text: Annotated[str, Meta(description="of at most 2,000 characters")]
    epoch: Annotated[int | None, Meta(description="of the classic recipe alone")] = None
    loss: Annotated[float | None, Meta(description="of the classic recipe alone: nats per token")] = None


class RunIncident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is no step forward."""

    kind: Kind
    step: int
    to_step: Annotated[int, Meta(description="the step from which it went on")]
    seconds: Annotated[
        float | None, Meta(description="where that lies in time; null if it was taken back later, or did not matter")
    ]
    problems: Annotated[list[str], Meta(description="in a sentence each")]


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How far a training is. What a later resumption or way back took back is not in it; all numbers are finite."""

    id: str
    state: State = "running or stopped"
    progress: Annotated[float | None, Meta(description="share that is done, 0 to 1")] = None
    step: Annotated[int | None, Meta(description="where it stands, or stood at its end; null: nothing yet")] = None
    seconds: Annotated[float | None, Meta(description="for which it has run then")] = None
    characters_per_second: float | None = None
    learning_rate: float | None = None
    best_bits: Annotated[
        float | None,
        Meta(description="per character, on held-out text: the score of the model that came out, until then the best"),
    ] = None
    training: Annotated[list[Point], Meta(description="seconds, and bits per character; at most 500 points")] = []
    held_out: Annotated[list[Point], Meta(description="the same, on held-out text")] = []
    samples: Annotated[list[RunSample], Meta(description="the latest 50 at most, the newest last")] = []
    plan: Annotated[list[str], Meta(description="what is trained on what, in a sentence each")] = []
    notes: Annotated[list[str], Meta(description="what a person should know about the text")] = []
    incidents: Annotated[list[RunIncident], Meta(description="the latest 50 at most")] = []


class RunFolder:
    """A training's folder, NAME.run, that is looked at again and again; `id` is NAME.

    Raises `OptionError` for what is no such folder. One whose training has not begun may be empty.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Callable[[], float] = time.monotonic) -> None:
        folder = Path(path)
        name = folder.absolute().name
        if not os.path.isdir(folder):  # noqa: PTH112 (`Path.is_dir` raises where one may not look)
            raise OptionError(f"{folder}: no folder; expected the folder NAME{SUFFIX} of a training")
        if not name.endswith(SUFFIX) and _stamp(folder / LOG) is None:
            raise OptionError(f"{folder}: a folder without {LOG}; expected the folder NAME{SUFFIX} of a training")
        self.id = shown(name.removesuffix(SUFFIX) or name)
        self._log = folder / LOG
        self._latest: tuple[Stamp | None, RunRecord] | None = None
        self._clock, self._reading, self._due = clock, threading.Lock(), -math.inf

    def record(self) -> RunRecord:
        """Return how far the training is. Its log is read again only if it has changed, and may be damaged.

        A log that takes long to read is read once for all who ask meanwhile, and then not again for a while: however
        many ask however often, they keep one thread busy for a tenth of the time.
        """
        known = self._latest
        if not self._reading.acquire(blocking=known is None) and known is not None:
            return known[1]  # another thread is reading it
        try:
            stamp = _stamp(self._log)  # before it is read: what is added meanwhile is read the next time
            if self._latest is None or (self._latest[0] != stamp and self._clock() >= self._due):
                began = self._clock()
                self._latest = stamp, self._read()
                took = self._clock() - began
                self._due = self._clock() + (REST * took if took > QUICK_SECONDS else 0.0)
            return self._latest[1]
        finally:
            self._reading.release()

    def _read(self) -> RunRecord:
        try:
            return run_record(self.id, read_history(self._log))
        except (LonghandError, OSError):
            return RunRecord(id=self.id, notes=[NOTHING_YET])


def run_record(name: str, history: History) -> RunRecord:
    """Return what a server tells of a training that is called `name`."""
    latest = history.latest
    return RunRecord(
        id=name,
        state=history.state,
        progress=1.0 if history.state == "finished" else history.progress,
        step=None if latest is None else latest.step,
        seconds=None if latest is None else latest.seconds,
        characters_per_second=None if latest is None else latest.characters_per_second,
        learning_rate=None if latest is None else latest.learning_rate,
        best_bits=score_of(history),
        training=_points(training_readings(history)),
        held_out=_points(held_out_readings(history)),
        samples=[_sample(score) for score in with_samples(history)[-MOST_SAMPLES:]],
        plan=history.plan,
        notes=history.notes[:MOST_TEXTS],
        incidents=[_incident(incident) for incident in history.incidents[-MOST_INCIDENTS:]],
    )


def _stamp(path: Path) -> Stamp | None:
    """Return what changes when a file does; None where there is none to be seen."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _points(readings: list[Reading]) -> list[Point]:
    in_time = sorted(readings, key=lambda reading: reading.seconds)
    return [(reading.seconds, round(reading.value, BIT_DECIMALS)) for reading in thinned(in_time, MOST_POINTS)]


def _sample(score: Score) -> RunSample:
    text = score.sample if len(score.sample) <= LONGEST_SAMPLE else score.sample[: LONGEST_SAMPLE - 2] + " …"
    return RunSample(
        step=score.step,
        seconds=score.seconds,
        bits=score.held_out_bits,
        text=text,
        epoch=score.epoch,
        loss=score.loss,
    )


def _incident(incident: Incident) -> RunIncident:
    return RunIncident(
        kind=incident.kind,
        step=incident.step,
        to_step=incident.to_step,
        seconds=incident.seconds,
        problems=[problem for problem in incident.problems if problem],
    )
