"""All rules of a text together, over classes of characters: what may follow, and how far it is to an end."""

from __future__ import annotations

from collections.abc import Sequence

from longhand.errors import OptionError
from longhand.generation.constraints.alphabet import Alphabet, CodePoints
from longhand.generation.constraints.bounds import USUAL, Bounds, Budget
from longhand.generation.constraints.distances import Distances
from longhand.generation.constraints.pattern import START, Pattern, sum_of
from longhand.generation.constraints.product import Over, Product, States
from longhand.generation.constraints.ranges import Ranges
from longhand.generation.constraints.shapes import Shape

State = tuple[int, States]  # places of the pattern, as bits, and the states of the other rules
END, FORBIDDEN = "end", "forbidden"
SET_BYTES = 300
MAX_KNOWN = 256  # sets of places of which it is remembered what follows


class Automaton:
    """What may be written.

    - points: the characters that can be
    - pattern: what the whole text has to match, if anything
    - shapes: other rules
    - in_bytes: whether distances are counted in bytes of UTF-8 rather than in characters
    - budget: what is left of the bounds

    Raises `OptionError` if no text obeys them all, or if they exceed the bounds.
    """

    def __init__(
        self,
        points: CodePoints,
        pattern: Pattern | None,
        shapes: Sequence[Shape],
        *,
        in_bytes: bool = False,
        bounds: Bounds = USUAL,
        budget: Budget | None = None,
    ) -> None:
        self._pattern, self.budget = pattern, budget or Budget(bounds)
        sets = [self._listed(shape) for shape in shapes]
        of_pattern = [] if pattern is None else pattern.sets
        self.alphabet = Alphabet(points, [*of_pattern, *(each for some in sets for each in some)], self.budget)
        self.budget.charge(len(of_pattern) * (self.alphabet.size // 8 + 40))
        self._taken = [self.alphabet.mask(each) for each in of_pattern]  # of each set of the pattern, the classes
        self._product = Product(shapes, sets, self.alphabet, self.budget)
        costs = [len(example.encode()) if in_bytes else 1 for example in self.alphabet.examples]  # the first is short
        self._distances = None
        if pattern is not None or any(shape.ends for shape in shapes):  # else the text may end anywhere
            self._distances = Distances(pattern, self._taken, self._product, costs, self.budget)
        self._taking: dict[int, int] = {}
        self._following: dict[int, int] = {}
        self.begin: State = (1 << START, self._product.begin)
        if self.distance(self.begin) is None:
            raise OptionError("no text that the model can write has the shape that is asked for")
        self.farthest = 0 if self._distances is None else self._distances.farthest

    def step(self, state: State, character: int) -> State | str:
        """Return the state after a character of a class: END where the text is over before it, or FORBIDDEN."""
        places, others = state
        after = self._product.after(others, character)
        if after is Over.FORBIDDEN:
            return FORBIDDEN
        following = self._after(places)
        if self._pattern is not None:
            following &= self._places_taking(character)
        if isinstance(after, Over) or not following:
            ends = isinstance(after, Over) or (self._pattern is not None and self._pattern.final(places))
            return END if ends and self.final(state) else FORBIDDEN
        living = following if self._distances is None else following & self._distances.living(after)
        return (living, after) if living else FORBIDDEN

    def distance(self, state: State) -> int | None:
        """Return how much it takes at least to come to where the text may end; None if nothing leads there."""
        return 0 if self._distances is None else self._distances.least(*state)

    def final(self, state: State) -> bool:
        """Whether the text may end here."""
        places, others = state
        return self._product.final(others) and (self._pattern is None or self._pattern.final(places))

    def _listed(self, shape: Shape) -> list[Ranges]:
        """Return the sets of a shape, of which there may be too many."""
        result: list[Ranges] = []
        for each in shape.sets():
            self.budget.charge(SET_BYTES + each.nbytes)
            result.append(each)
            if len(result) > self.budget.bounds.sets:
                raise OptionError(
                    f"the shape has more than {self.budget.bounds.sets:,} different characters: ask for a simpler one"
                )
        return result

    def _places_taking(self, character: int) -> int:
        """Return the places of the pattern, as bits, that take characters of a class."""
        places = self._taking.get(character)
        if places is None:
            assert self._pattern is not None
            takes = (
                of_set
                for of_set, taken in zip(self._pattern.places_of, self._taken, strict=True)
                if taken >> character & 1
            )
            places = self._taking[character] = sum_of(takes)
            self.budget.charge(places.bit_length() // 8 + 150)
        return places

    def _after(self, places: int) -> int:
        """Return the places that may come after some."""
        if self._pattern is None:
            return 1 << START
        following = self._following.get(places)
        if following is None:
            if len(self._following) >= MAX_KNOWN:
                self._following.clear()
            following = self._following[places] = self._pattern.after_any(places)
        return following
