"""Beam search: the text that the model finds most probable, as far as a few streams can look ahead.

One stream always goes where the greedy choice leads, so that what is found is never less probable than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import msgspec
import numpy as np

from longhand.arrays import DoubleArray, FloatArray, TokenIds
from longhand.errors import OptionError
from longhand.generation.constraints.guide import BEGIN, ENDED
from longhand.generation.endings import Endings
from longhand.generation.many import Written
from longhand.generation.opening import Opening
from longhand.generation.sampler import Sampler, adjusted, logsumexp
from longhand.generation.writing import Task
from longhand.runtime.session import RecurrentSession, Session, no_choice
from longhand.settings import length_of
from longhand.text.utf8 import without_surrogates


@dataclass(frozen=True)
class Path:
    """A text that may be the one.

    - ids: its tokens
    - scores: of each the logarithm of its probability
    - total: their sum, and what biases and penalties add to it
    - greedy: whether it takes the likeliest token every time
    - at: the state of its guide
    - stream: where its state is
    - ended: why it has come to its end, if it has; then `text` is what it says
    """

    ids: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    total: float = 0.0
    greedy: bool = True
    at: int = BEGIN
    stream: int = 0
    ended: str = ""
    text: str = ""

    def value(self, penalty: float) -> float:
        """Return by how much it is better than others: its total, over its length to the power of `penalty`."""
        return self.total / float(max(len(self.ids), 1) ** penalty)


class BeamSearch:
    """Looks for the most probable text.

    - session: as many streams as the beam is wide, which have read nothing
    - penalty: of a text's length (Wu et al. 2016, without their constant): 0 prefers short texts, 1 is fair to all

    Raises `OptionError` for a model with a window, whose streams cannot go on from one another.
    """

    def __init__(self, task: Task, session: Session, opening: Opening, penalty: float) -> None:
        if session.window is not None:
            raise OptionError("beam: a model that reads a window cannot be searched: leave --beam out")
        self._task, self._opening, self._penalty = task, opening, penalty
        self._session = cast("RecurrentSession", session)
        self._width, self._length = session.batch, length_of(task.sampling)
        self._sampler = Sampler(msgspec.structs.replace(task.sampling, greedy=True), task.never, task.bias)
        self._done: list[Path] = []

    def best(self) -> Written:
        """Return the most probable text that was met."""
        text = self._task.text(self._opening, 0, self._sampler)
        begun = self._opening.begin(self._session, text)  # the rest of a word that the prompt begins, the greedy way
        self._begun, self._recent, last = begun, self._sampler.recent, text.last
        self._length -= text.tokens
        going = [Path()] if self._length > 0 and not text.ended else []
        while going:
            tokens = np.array([path.ids[-1] if path.ids else last for path in going])
            logits = self._session.step(tokens, range(len(going)))
            going = self._chosen(going, logits)
        found = max(self._done, key=lambda path: path.value(self._penalty), default=Path(ended="length"))
        why = found.ended if found.ids else text.ended or "length"
        return Written(found.text or begun, 0, len(found.ids) + text.tokens, why, list(found.scores))

    def _chosen(self, paths: list[Path], logits: FloatArray) -> list[Path]:
        """Return the paths to go on with, and put their streams where they are."""
        scores, values = self._scored(paths, logits)
        following: list[Path] = []
        for number, path in enumerate(paths):
            if path.greedy:
                following.append(self._longer(path, number, int(np.argmax(values[number])), scores, values, True))
        most = np.argsort(-values, axis=None, kind="stable")[: 2 * self._width]
        for number, token in zip(*np.unravel_index(most, values.shape), strict=True):
            if np.isfinite(values[number, token]):
                path = self._longer(paths[number], int(number), int(token), scores, values, False)
                if not any(path.ids == other.ids for other in following):
                    following.append(path)
        self._done += [path for path in following if path.ended]
        going = [path for path in following if not path.ended][: self._width]
        if self._done and len(self._done) >= self._width:  # none that is behind the best so far, but the greedy one
            best = max(path.value(self._penalty) for path in self._done)
            going = [path for path in going if path.greedy or path.value(self._penalty) > best]
        state = self._session.states(range(len(paths)))
        self._session.put(state.of([path.stream for path in going]), range(len(going)))
        return going

    def _scored(self, paths: list[Path], logits: FloatArray) -> tuple[DoubleArray, DoubleArray]:
        """Return the logarithms of the probabilities, (paths, vocabulary), and what the paths would be worth."""
        recents = [np.concatenate([self._recent, np.array(path.ids, np.int64)]) for path in paths]
        drawing = self._sampler.drawing
        adjusted_logits = [adjusted(row, drawing, recent) for row, recent in zip(logits, recents, strict=True)]
        wide = logits.astype(np.float64)
        scores: DoubleArray = wide - logsumexp(wide)
        values = np.empty_like(scores)
        for number, (path, changed) in enumerate(zip(paths, adjusted_logits, strict=True)):
            if (guide := self._task.guide) is not None:
                left = self._length - len(path.ids)
                row = guide.row_within(path.at, left) if left <= guide.bound else guide.row(path.at)
                changed[row < 0] = -np.inf
            if changed.max() == -np.inf:
                raise no_choice()
            values[number] = path.total + scores[number] + (changed - wide[number])
        return scores, values

    def _longer(
        self, path: Path, stream: int, token: int, scores: DoubleArray, values: DoubleArray, greedy: bool
    ) -> Path:
        """Return a path with one token more."""
        ids = (*path.ids, token)
        at = path.at if self._task.guide is None else int(self._task.guide.row(path.at)[token])
        longer = replace(
            path,
            ids=ids,
            scores=(*path.scores, float(scores[stream, token])),
            total=float(values[stream, token]),
            greedy=greedy,
            at=at,
            stream=stream,
        )
        if token == self._task.end or at == ENDED:
            ended = "document" if token == self._task.end else "shape"
            return replace(longer, ended=ended, text=self._text(np.array(path.ids, np.int64))[0])
        text, why = self._text(np.array(ids, np.int64))
        ended = why or ("length" if len(ids) == self._length else "")
        return replace(longer, ended=ended, text=text)

    def _text(self, ids: TokenIds) -> tuple[str, str]:
        """Return what tokens say, to the end of the text, and why it ends."""
        text, sampling = without_surrogates(self._task.tokenizer.decoder().decode(ids)), self._task.sampling
        text = self._begun + text
        if not sampling.stop and sampling.until not in ("sentence", "line"):
            return text, ""
        endings = Endings(sampling.stop, sampling.until)
        given, over = endings.feed(text)
        return (given, endings.why) if over else (text, "")
