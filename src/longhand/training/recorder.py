"""What a run's folder keeps of a training while it goes on: the log, and the best model so far."""

from __future__ import annotations

from longhand.errors import OutputError
from longhand.training.events import EpochEnded, Evaluated, Event, Listener, NotCheckpointed, RolledBack, Stepped
from longhand.training.records import Thinned, record
from longhand.training.run_folder import RunFolder


class Recorder:
    """A listener that logs events, keeps each best model, and passes events on.

    Where the disk is full it says so, once until it can write again: hours of training are not to end because of that.
    """

    def __init__(self, run: RunFolder, tell: Listener) -> None:
        self._run, self._tell = run, tell
        self._thinned = Thinned()
        self._in_trouble, self._step = False, 0

    def __call__(self, event: Event) -> None:
        """Record an event, as far as it is recorded."""
        if isinstance(event, RolledBack):
            self._thinned = Thinned()  # the steps that come are ones that were already logged
        problem = self._problem_with(event)
        self._tell(event)
        if isinstance(event, Stepped):
            self._step = event.step
        if problem is not None and not self._in_trouble and not isinstance(event, NotCheckpointed):
            self._tell(NotCheckpointed(self._step, str(problem)))
        if problem is not None or not isinstance(event, Stepped):
            self._in_trouble = problem is not None

    def _problem_with(self, event: Event) -> OutputError | None:
        try:
            if isinstance(event, Evaluated) and event.best:
                self._run.keep(event.model)
            elif isinstance(event, EpochEnded) and event.improved:
                self._run.keep(event.model, event.checkpoint if event.whole else None)
            if not isinstance(event, Stepped) or self._thinned(event):
                self._run.log(record(event))
        except OutputError as error:
            return error
        return None
