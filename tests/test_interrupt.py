"""Signals: which end a training, from when on, and what is left."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import VERSE

from longhand.api import train
from longhand.modelfile import Weights
from longhand.training import default_recipe
from longhand.training.events import Event, Stepped
from longhand.training.interrupt import SIGNALS, listening

SMALL: dict[str, Any] = {"hidden": 8, "embedding": 4, "batch": 4, "window": 16, "threads": 1, "epochs": 5}


@pytest.fixture(autouse=True)
def _default_handlers() -> Iterator[None]:
    """Handle signals as usual, whatever the tests were started by (nohup ignores SIGHUP), and put all back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def at_step(step: int, act: Callable[[], None]) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == step:
            act()

    return listen


@pytest.mark.parametrize("number", SIGNALS)
def test_each_of_them_ends_a_training_that_has_begun_and_leaves_a_scored_model(
    tmp_path: Path, number: signal.Signals
) -> None:
    stop = at_step(3, lambda: signal.raise_signal(number))
    model = train(io.StringIO(VERSE * 40), tmp_path / "m", listener=stop, **SMALL)
    assert model.card.stopped_by == number.name
    assert model.card.validation_bits_per_character is not None
    assert len(list((tmp_path / "m.run").glob("checkpoint-*"))) == 1


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As SIGHUP is under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop = at_step(3, lambda: signal.raise_signal(signal.SIGHUP))
    assert train(io.StringIO(VERSE * 40), tmp_path / "m", listener=stop, **SMALL).card.stopped_by == "epochs"


@pytest.mark.parametrize("number", SIGNALS)
def test_before_the_first_step_a_signal_ends_it_at_once_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals
) -> None:
    made: list[bool] = []

    def slowly(*_: object, **__: object) -> Weights:
        signal.raise_signal(number)
        made.append(True)
        return {}

    monkeypatch.setattr(default_recipe, "initial_weights", slowly)
    expected = KeyboardInterrupt if number == signal.SIGINT else SystemExit
    with pytest.raises(expected, match="^$" if number == signal.SIGINT else str(128 + number)):
        train(io.StringIO(VERSE * 40), tmp_path / "m", **SMALL)
    assert not made
    assert list(tmp_path.iterdir()) == []


def test_a_second_signal_acts_as_it_always_does() -> None:
    seen: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    with listening() as interrupt:
        interrupt.begun = lambda: True
        signal.raise_signal(signal.SIGTERM)
        assert (interrupt.signal, seen) == ("SIGTERM", [])
        signal.raise_signal(signal.SIGTERM)
    assert seen == [signal.SIGTERM]


def test_a_terminal_that_is_closed_sends_sighup_twice_and_the_model_is_delivered_all_the_same(tmp_path: Path) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)

    before = signal.getsignal(signal.SIGHUP)
    model = train(io.StringIO(VERSE * 40), tmp_path / "m", listener=at_step(3, twice), **SMALL)
    assert (model.card.stopped_by, (tmp_path / "m.safetensors").exists()) == ("SIGHUP", True)
    assert signal.getsignal(signal.SIGHUP) == before
