"""Many texts at once: streams advance together, and where one text ends the next begins."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field

from longhand.errors import OptionError
from longhand.generation.loop import LARGEST_PIECE, MOST_LOGITS, Pace, advance
from longhand.generation.opening import Opening, opened
from longhand.generation.text import Text
from longhand.generation.writing import Task
from longhand.runtime.session import Session

TOGETHER = 64  # streams at most
FIRST_PIECE = 16  # tokens at a time, before any text has ended
MOST_TRIES = 50  # texts for each different or new one that is wanted


@dataclass(frozen=True)
class Written:
    """A text that has come to its end.

    - seed: alone, with this seed, the same text is written
    - tokens: how many it has, its end token included
    - ended: why: "length", "stop", "sentence", "line", "document" or "shape"
    - log_probabilities: natural logarithms of what the model gave its tokens, where they were asked for
    """

    text: str
    seed: int
    tokens: int
    ended: str
    log_probabilities: list[float] = field(default_factory=list)

    @property
    def mean_log_probability(self) -> float:
        """How probable the model finds it, a token, in the mean."""
        return sum(self.log_probabilities) / max(len(self.log_probabilities), 1)


class Many:
    """Texts that go on from one prompt, each with a seed of its own, from `seed` upwards.

    - open_session: opens a session of so many streams
    - log_probabilities: whether to say how probable their tokens were
    """

    def __init__(
        self,
        task: Task,
        open_session: Callable[[int], Session],
        prompt: str,
        seed: int,
        *,
        log_probabilities: bool = False,
    ) -> None:
        self._task, self._open_session, self._prompt = task, open_session, prompt
        self._seed = seed
        self._vocabulary = task.tokenizer.size if log_probabilities else None
        reader = open_session(1)
        self._opening = opened(reader, task.tokenizer, prompt, whole=task.takes_prompts_whole)
        self._windowed = reader.window is not None

    def texts(self, count: int) -> Iterator[Written]:
        """Yield so many texts, in the order of their seeds."""
        if self._windowed:
            for seed in range(self._seed, self._seed + count):
                session = self._open_session(1)
                opening = opened(session, self._task.tokenizer, self._prompt, whole=self._task.takes_prompts_whole)
                yield from _Together(session, opening, self._begun, self._vocabulary).run(seed, seed + 1)
            return
        session = self._open_session(min(count, TOGETHER))
        together = _Together(session, self._opening, self._begun, self._vocabulary)
        yield from together.run(self._seed, self._seed + count)

    def chosen(
        self, count: int, of: int, *, unique: bool = False, known: Container[str] | None = None
    ) -> Iterator[Written]:
        """Yield so many texts, each the one of `of` that the model finds most probable, a token in the mean.

        - unique: whether no two are the same, and none is empty
        - known: texts that do not count, none of which is yielded, nor an empty one

        Raises `OptionError` after those that there are, where 50 times as many texts do not suffice.
        """
        seen: set[str] = set()
        group: list[Written] = []
        found = again = refused = 0
        tries = count * of * (MOST_TRIES if unique or known is not None else 1)
        for number, written in enumerate(self.texts(tries), 1):
            whole = self._prompt + written.text
            if known is not None and whole in known:
                refused += 1
            elif unique and written.text in seen:
                again += 1
            elif written.text or not (unique or known is not None):
                group.append(written)
            if number % of == 0 and group:
                best = max(group, key=lambda each: each.mean_log_probability) if of > 1 else group[0]
                yield best
                found, group = found + 1, []
                if unique:
                    seen.add(best.text)
            if found == count:
                return
        if found < count:
            raise OptionError(_too_few(tries, found, again, refused, new=known is not None))

    def _begun(self, seed: int) -> Text:
        return self._task.text(self._opening, seed)


def _too_few(tries: int, found: int, again: int, refused: int, *, new: bool) -> str:
    """Return why there are fewer texts than were wanted."""
    if not new:
        return f"unique: of {tries:,} texts {found:,} are different: ask for fewer"
    twice = f", {again:,} came again" if again else ""
    return (
        f"new: of {tries:,} texts {found:,} are new; {refused:,} are in the training text{twice}: ask for fewer, or "
        "write with a higher --temperature"
    )


class _Together:
    """Streams of one session, each with a text, or with none any more.

    - begun: makes the text with a number, which is its seed
    - vocabulary: how many tokens there are, where it is to be said how probable those of the texts were
    """

    def __init__(
        self, session: Session, opening: Opening, begun: Callable[[int], Text], vocabulary: int | None
    ) -> None:
        self._session, self._opening, self._new = session, opening, begun
        self._vocabulary = vocabulary or 1
        self._log_probabilities = vocabulary is not None
        self._texts: dict[int, tuple[int, Text]] = {}  # by stream, with their numbers
        self._parts: dict[int, str] = {}  # of each text, what it has so far
        self._ended = self._tokens = 0

    def run(self, first: int, last: int) -> Iterator[Written]:
        """Yield the texts numbered from `first` to before `last`."""
        done: dict[int, Written] = {}
        following, wanted = first, first
        pace = Pace()
        while wanted < last:
            for stream in range(self._session.batch):
                if stream not in self._texts and following < last:
                    text = self._new(following)
                    self._parts[following] = self._opening.begin(self._session, text, stream)
                    self._texts[stream] = (following, text)
                    following += 1
            if any(not text.ended for _, text in self._texts.values()):
                self._advance(pace)
            for stream, (number, text) in list(self._texts.items()):
                if text.ended:
                    del self._texts[stream]
                    done[number] = self._written(number, text)
            while wanted in done:
                yield done.pop(wanted)
                wanted += 1

    def _advance(self, pace: Pace) -> None:
        """Let the texts become longer."""
        going = [(stream, number, text) for stream, (number, text) in self._texts.items() if not text.ended]
        texts = [text for _, _, text in going]
        count = min(pace.begin(), self._most(texts))
        streams = None if self._session.window is not None else [stream for stream, _, _ in going]
        pieces = advance(self._session, texts, count, streams, log_probabilities=self._log_probabilities)
        pace.end()
        for (_, number, _), piece in zip(going, pieces, strict=True):
            self._parts[number] += piece

    def _most(self, texts: list[Text]) -> int:
        """Return how many tokens are worth to be drawn: where texts are short, what is drawn beyond them is lost."""
        expected = FIRST_PIECE if not self._ended else max(1, self._tokens // self._ended // 2)
        room = max(text.room for text in texts)
        guided = min((text.room for text in texts if text.sampler.guide is not None), default=room)
        if self._log_probabilities:
            expected = min(expected, max(1, MOST_LOGITS // (len(texts) * self._vocabulary)))
        return min(expected, room, guided, LARGEST_PIECE)

    def _written(self, number: int, text: Text) -> Written:
        self._ended, self._tokens = self._ended + 1, self._tokens + text.tokens
        return Written(
            self._parts.pop(number), number, text.tokens, text.ended, [one.log_probability for one in text.drawn]
        )
