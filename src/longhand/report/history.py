"""What a log.jsonl tells: the course of a training as it stands, without what was taken back.

A log may be of an older or newer Longhand, cut off by a kill, or no log at all: fields may be missing, lines damaged,
events unknown. What can be read is read; what cannot is passed over and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from longhand.errors import OptionError
from longhand.modelfile import Card
from longhand.report.fields import Record, as_typed, card, decoded, number, settings, text, texts, whole

LOG = "log.jsonl"
LONGEST_LINE = 4_000_000  # bytes
MOST_STEPS = 20_000  # records of steps that are remembered
EARLY = ("SIGINT", "SIGTERM", "SIGHUP", "no improvement")  # what ends a training before its time
State = Literal["finished", "ended early", "running or stopped"]
Kind = Literal["resumed", "rolled back", "no checkpoint"]


@dataclass(frozen=True)
class Standing:
    """Where a training stood after a step; bits are per character."""

    step: int
    seconds: float | None = None
    training_bits: float | None = None
    learning_rate: float | None = None
    characters_per_second: float | None = None


@dataclass(frozen=True)
class Score(Standing):
    """The end of an evaluation, or of an epoch of the classic recipe.

    - held_out_bits: bits per character on the held-out text, if it was scored
    - epoch, loss: of the classic recipe; nats per token
    - sample: what the model wrote
    """

    held_out_bits: float | None = None
    epoch: int | None = None
    loss: float | None = None
    sample: str = ""


@dataclass(frozen=True)
class Incident:
    """Something that is no step forward.

    - to_step: the step from which it went on
    - seconds: where that lies in time; None where it was taken back later, or did not matter
    - problems: in a sentence each
    """

    kind: Kind
    step: int
    to_step: int
    seconds: float | None
    problems: list[str]
    learning_rate: float | None = None


@dataclass(frozen=True)
class Choice:
    """A setting, its value, and why it has it."""

    name: str
    value: str
    why: str


@dataclass
class History:
    """A training, as far as its log goes. `steps` are thinned out where there are very many.

    - card: what came out, once it has ended
    - progress: share that is done, 0 to 1
    - checkpoint: the step of the latest one
    - unread: lines that hold no record
    """

    time: str = ""
    version: str = ""
    plan: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    steps: list[Standing] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    card: Card | None = None
    progress: float | None = None
    checkpoint: int | None = None
    unread: int = 0

    @property
    def state(self) -> State:
        """Whether it has ended, and how."""
        if self.card is None:
            return "running or stopped"
        return "ended early" if self.card.stopped_by in EARLY else "finished"

    @property
    def best(self) -> Score | None:
        """The score that was the lowest on the held-out text, the first of them."""
        scored = [score for score in self.scores if score.held_out_bits is not None]
        return min(scored, key=lambda score: score.held_out_bits or 0.0, default=None)

    @property
    def latest(self) -> Standing | None:
        """Where it stands, or stood at its end."""
        return max([*self.steps[-1:], *self.scores[-1:]], key=lambda standing: standing.step, default=None)

    @property
    def classic(self) -> bool:
        """Whether the classic recipe was followed."""
        return self.settings.get("recipe") == "classic" or any(score.epoch is not None for score in self.scores)


def read_history(path: Path) -> History:
    """Read a log.

    Raises `OptionError` if it is missing, cannot be read, is empty, or holds nothing that a training told.
    """
    if not path.is_file():
        problem = "is no regular file" if path.exists() else "not found"
        raise OptionError(f"{path}: {problem}; expected the log that longhand train writes into NAME.run")
    reader = _Reader()
    try:
        with path.open("rb") as file:
            for line in _lines(file):
                reader.read(line)
    except OSError as error:
        raise OptionError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not reader.known:
        if reader.lines:
            raise OptionError(
                f"{path}: no line of it tells of a training; expected the log that longhand train writes into NAME.run"
            )
        raise OptionError(f"{path}: empty; expected records of a training: it has not begun, try again when it has")
    return reader.finished()


def _lines(file: BinaryIO) -> Iterator[str]:
    """Return the lines that are not empty; of one that is far too long only the beginning."""
    while line := file.readline(LONGEST_LINE):
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(LONGEST_LINE)):
            pass
        if line.strip():
            yield line.decode("utf-8", errors="replace")


class _Reader:
    """Takes one line after another. What was taken back is dropped as soon as that is read."""

    def __init__(self) -> None:
        self.history = History()
        self.lines, self.known = 0, 0  # of these, records of events that are known
        self._seen, self._stride = 0, 1  # of steps, every so many is remembered

    def read(self, line: str) -> None:
        """Take a line."""
        self.lines += 1
        record = decoded(line)
        if record is None:
            self.history.unread += 1
            return
        take = {
            "started": self._started,
            "step": self._stepped,
            "evaluated": self._scored,
            "epoch": self._scored,
            "checkpoint": self._checkpoint,
            "resumed": self._resumed,
            "rolled back": self._rolled_back,
            "no checkpoint": self._no_checkpoint,
            "finished": self._finished,
        }.get(text(record, "event"))
        if take is not None:
            self.known += 1
            take(record)
        elif "event" not in record:
            self.history.unread += 1

    def finished(self) -> History:
        """Return all that was read."""
        history = self.history
        history.steps.sort(key=lambda standing: standing.step)
        history.scores.sort(key=lambda score: score.step)
        if (found := history.card) is not None:
            history.settings = history.settings or settings({"training": found.training}, "training")
            history.version = found.longhand_version or history.version
            history.scores = [_as_in_card(score, found.validation_bits_per_character) for score in history.scores]
        return history

    def _started(self, record: Record) -> None:
        history = self.history  # one that goes on starts again, and knows less of why its settings are what they are
        history.time = history.time or text(record, "time")
        history.version = text(record, "longhand_version") or history.version
        history.plan = texts(record, "plan") or history.plan
        history.notes += [note for note in texts(record, "notes") if note not in history.notes]
        history.settings = settings(record, "settings") or history.settings
        history.choices = history.choices or _choices(record)

    def _stepped(self, record: Record) -> None:
        history = self.history
        progress = number(record, "progress")
        history.progress = progress if progress is not None and 0 <= progress <= 1 else None
        self._seen += 1
        if self._seen % self._stride:
            return
        history.steps.append(Standing(**self._standing(record)))
        if len(history.steps) > MOST_STEPS:
            del history.steps[::2]
            self._stride *= 2

    def _scored(self, record: Record) -> None:
        self.history.scores.append(
            Score(
                **self._standing(record),
                held_out_bits=number(record, "validation_bits_per_character"),
                epoch=whole(record, "epoch"),
                loss=number(record, "loss"),
                sample=text(record, "sample"),
            )
        )

    def _standing(self, record: Record) -> dict[str, Any]:
        return {
            "step": self._step(record),
            "seconds": number(record, "seconds"),
            "training_bits": number(record, "training_bits_per_character"),
            "learning_rate": number(record, "learning_rate"),
            "characters_per_second": number(record, "characters_per_second"),
        }

    def _step(self, record: Record, name: str = "step") -> int:
        """Return a step's number; where it is missing, that of the step before."""
        step = whole(record, name)
        latest = self.history.latest
        return step if step is not None else 0 if latest is None else latest.step

    def _checkpoint(self, record: Record) -> None:
        self.history.checkpoint = self._step(record)

    def _no_checkpoint(self, record: Record) -> None:
        history, step = self.history, self._step(record)
        told = Incident("no checkpoint", step, step, None, [text(record, "problem")])
        if history.incidents and history.incidents[-1].kind == told.kind:
            history.incidents.pop()  # a disk that is full is so again and again
        history.incidents.append(told)

    def _resumed(self, record: Record) -> None:
        self.history.card = None  # that an earlier part of it had ended early
        step = self._step(record)
        self._turn("resumed", step, step, texts(record, "problems"))

    def _rolled_back(self, record: Record) -> None:
        step, to_step = self._step(record), self._step(record, "to_step")
        self._turn("rolled back", step, to_step, [text(record, "problem")], number(record, "learning_rate"))

    def _turn(self, kind: Kind, step: int, to_step: int, problems: list[str], rate: float | None = None) -> None:
        """Drop what was told of later steps than `to_step`, from which it goes on."""
        history = self.history
        history.steps = [standing for standing in history.steps if standing.step <= to_step]
        history.scores = [score for score in history.scores if score.step <= to_step]
        history.incidents = [
            incident if incident.to_step <= to_step else replace(incident, seconds=None)
            for incident in history.incidents
        ]
        seconds = 0.0 if history.latest is None else history.latest.seconds
        history.incidents.append(Incident(kind, step, to_step, seconds, problems, rate))

    def _finished(self, record: Record) -> None:
        self.history.card = card(record, "card")


def _choices(record: Record) -> list[Choice]:
    found = record.get("choices")
    if not isinstance(found, list):
        return []
    return [
        Choice(text(choice, "name"), as_typed(choice.get("value")), text(choice, "why"))
        for choice in found
        if isinstance(choice, dict)
    ]


def _as_in_card(score: Score, bits: float | None) -> Score:
    """Give the score that the card has its exact number: a log has four decimals, which may round otherwise."""
    if bits is None or score.held_out_bits != round(bits, 4):
        return score
    return replace(score, held_out_bits=bits)
