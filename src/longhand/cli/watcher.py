"""Showing a training: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from longhand.api import SAMPLE_LENGTH, written_sample
from longhand.cli.output import discard_stdout, note, visible
from longhand.cli.plan_text import choice_lines
from longhand.modelfile import Card, ModelFile
from longhand.native.loading import switched_off
from longhand.training.events import (
    EpochEnded,
    Evaluated,
    Event,
    Finished,
    NotCheckpointed,
    Preparing,
    Resumed,
    RolledBack,
    Started,
    Stepped,
)
from longhand.training.run_folder import REPORT, folder_of

PLAIN_INTERVAL = 10.0  # seconds between plain lines
SIGNAL_NAMES = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP: the terminal was closed"}
FIRST_PLAIN = 2.0  # seconds before the first one of a text that is being read


@contextmanager
def watching(text: str | None = None, *, resumable: bool = True) -> Iterator[Watcher]:
    """Return a watcher, a listener that shows a training to a person, on stdout.

    - text: a file that is trained on, if there is one: what is said to do next may need it
    - resumable: whether the command knows --resume
    """
    switched_off()  # samples are written much later: what is wrong in the environment is to be said now
    console = _LastingConsole(highlight=False, soft_wrap=True)
    if not console.is_terminal or console.is_dumb_terminal:
        plain = _Plain(console, text)
        plain.resumable = resumable
        yield plain
        return
    columns = (TextColumn("{task.percentage:3.0f}%"), BarColumn(None), TextColumn("{task.description}"))
    on_stderr_too = sys.stderr.isatty()  # what is written there would otherwise run into the bar
    with Progress(*columns, console=console, transient=True, expand=True, redirect_stderr=on_stderr_too) as progress:
        bar = _Bar(progress, text)
        bar.resumable = resumable
        yield bar


class _LastingConsole(Console):
    """A console that falls silent when nobody reads it any more: a training goes on."""

    def on_broken_pipe(self) -> None:
        """Fall silent, and give what Python flushes at its exit somewhere to go."""
        self.quiet = True
        discard_stdout()


class Watcher:
    """What both ways of showing share: the plan, the samples, the result."""

    def __init__(self, console: Console, text: str | None) -> None:
        self._console, self._text = console, text
        self.resumable = True
        self._prompt = ""

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, Started):
            self._prompt = event.prompt
            for line in event.notes:
                note(line)
            choices = [] if event.plan is None else choice_lines(event.plan)
            for line in (*event.lines, *choices):
                self.say(line)
        elif isinstance(event, Preparing):
            self._preparing(event)
        elif isinstance(event, Stepped):
            self._stepped(event)
        elif isinstance(event, Evaluated):
            self._evaluated(event)
        elif isinstance(event, EpochEnded):
            self._epoch_ended(event)
        elif isinstance(event, Resumed):
            for problem in event.problems:
                note(problem)
            self.say(f"goes on after step {event.step:,}")
        elif isinstance(event, RolledBack):
            note(
                f"{event.problem} at step {event.step:,}: back to step {event.to_step:,}, and on with a learning rate "
                f"of {event.learning_rate:g}"
            )
        elif isinstance(event, NotCheckpointed):
            note(f"{event.problem}; the training goes on, and keeps what was written before")
        elif isinstance(event, Finished):
            for remark in event.remarks:
                note(remark)
            needed = f" --seed-from {shlex.quote(self._text or 'TEXT')}" if self._prompt else ""
            self.say(result(event, resumable=self.resumable) + needed)

    def _preparing(self, event: Preparing) -> None:
        raise NotImplementedError

    def _stepped(self, event: Stepped) -> None:
        raise NotImplementedError

    def _evaluated(self, event: Evaluated) -> None:
        best = ", the best" if event.best else ""
        self.say(
            f"{event.last.progress:4.0%}  train {event.last.training_bits:.3f}, "
            f"held out {event.validation_bits:.3f} bits per character{best}. It writes:"
        )
        self._say_indented(event.sample)

    def _epoch_ended(self, event: EpochEnded) -> None:
        verdict = "not improved"
        if event.improved:
            verdict = f"the lowest, kept as {event.checkpoint}" if event.whole else "the lowest"
        if event.validation_bits is not None:
            verdict += f", held out {event.validation_bits:.3f} bits per character"
        epoch = f"epoch {event.epoch}{'' if event.whole else ' (a part of it)'}"
        self.say(f"{event.last.progress:4.0%}  {epoch}: loss {event.training_nats:.4f}, {verdict}")
        if event.sample:
            self.say("Seed:")
            self._say_indented(f'"{self._prompt}"')
            self.say("It writes:")
            self._say_indented(event.sample)

    def show_sample(self, model: ModelFile, prompt: str, length: int = SAMPLE_LENGTH) -> None:
        """Print a prompt and what a model writes after it."""
        self._say_indented(prompt + written_sample(model, prompt, length))

    def _say_indented(self, text: str) -> None:
        for line in visible(text).strip("\n").split("\n"):
            self.say(f"    {line}")

    def say(self, line: str) -> None:
        """Print a line; where that cannot be done, fall silent."""
        try:
            self._console.print(Text(line))
        except OSError:  # no room for what it prints, say: a training goes on
            self._console.on_broken_pipe()


class _Plain(Watcher):
    def __init__(self, console: Console, text: str | None) -> None:
        super().__init__(console, text)
        self._next = time.monotonic()
        self._next_preparing = self._next + FIRST_PLAIN
        self.say("reading ...")

    def _preparing(self, event: Preparing) -> None:
        if time.monotonic() >= self._next_preparing:
            self._next_preparing = time.monotonic() + PLAIN_INTERVAL
            self.say(prepared(event))

    def _stepped(self, event: Stepped) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PLAIN_INTERVAL
            self.say(f"{event.progress:4.0%}  {status(event)} bits")


class _Bar(Watcher):
    def __init__(self, progress: Progress, text: str | None) -> None:
        super().__init__(progress.console, text)
        self._progress = progress
        self._task = progress.add_task("reading", total=1.0)
        self._held_out = ""

    def _preparing(self, event: Preparing) -> None:
        self._progress.update(self._task, completed=event.share or 0.0, description=event.what)

    def _stepped(self, event: Stepped) -> None:
        shown = f"{status(event)}{self._held_out} bits"
        self._progress.update(self._task, completed=event.progress, description=shown)

    def _evaluated(self, event: Evaluated) -> None:
        self._held_out = f", held out {event.validation_bits:.3f}"
        super()._evaluated(event)


def prepared(event: Preparing) -> str:
    """Return how far the reading of a text has come, in one line."""
    return f"  {event.what} ..." if event.share is None else f"  {event.what} {event.share:.0%}"


def status(event: Stepped) -> str:
    """Return where a training stands, in one line."""
    left = round(event.seconds_left)
    clock = f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}" if left >= 3600 else f"{left // 60}:{left % 60:02}"
    speed = f"{event.characters_per_second:,.0f} chars/s, " if event.characters_per_second else ""
    return f"{clock} left, {speed}train {event.training_bits:.3f}"


def result(event: Finished, *, resumable: bool = True) -> str:
    """Return what came out of a training and what to do with it."""
    card = event.card
    score = "not scored" if card.held_out_characters else "nothing held out to score it on (--held-out 0.1 does)"
    if (bits := card.validation_bits_per_character) is not None:
        score = f"{bits:.3f} bits ({bits * math.log(2):.3f} nats) per character{_per_byte(card)} on {_scored(card)}"
    end = f"ended early ({SIGNAL_NAMES[card.stopped_by]}), " if card.stopped_by in SIGNAL_NAMES else ""
    report = None if event.output is None else folder_of(event.output) / REPORT
    shown = f", {report} shows how it learned" if report is not None and report.exists() else ""
    later = " The same command with --resume goes on." if end and resumable else ""
    if card.stopped_by == "no improvement":
        end = "ended early (the held-out text scored worse again and again: it learned by heart), "
    if card.documents_written:
        score += f"; of {card.documents_written} documents that it wrote, {_new_share(card)} are not in the text"
    if card.sampling:
        chosen = ", ".join(f"{name.replace('_', '-')} {value:g}" for name, value in card.sampling.items())
        score += f"; it writes with {chosen}, unless told otherwise"
    return (
        f"{end}{score}; {card.trained_seconds:.0f} s, {card.trained_epochs:.2f} epochs.{later}\n"
        f"{event.output} holds the model{shown}. "
        f"Next: longhand generate {shlex.quote(str(event.output))}"
    )


def _scored(card: Card) -> str:
    """Return which part of the held-out text was scored."""
    scored, held_out = card.validation_characters, card.held_out_characters
    return "held-out text" if scored >= held_out else f"{scored:,} of {held_out:,} held-out characters"


def _new_share(card: Card) -> str:
    return f"{card.documents_new / card.documents_written:.0%}"


def _per_byte(card: Card) -> str:
    """Return the score in bits per byte, which texts in all scripts can be compared by, where it is another one."""
    bits, per_character = card.validation_bits_per_byte, card.validation_bits_per_character
    return "" if bits is None or bits == per_character else f", {bits:.3f} bits per byte"
