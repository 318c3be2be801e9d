"""The Keras tutorial's recipe in Keras, for `bench/tutorial.py`: `python keras_script.py TEXT SECONDS MODEL REPORT`.

Reads TEXT, makes all windows and one-hot targets, trains for SECONDS counted from its start, saves MODEL, and then
times its generation loop. Runs with whatever backend KERAS_BACKEND names; needs nothing of Longhand.
"""

from __future__ import annotations

import time

BEGAN = time.monotonic()

import json  # noqa: E402 (the clock runs from the first line)
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402

WINDOW = 100
WRITTEN = 40  # characters that the generation loop is timed over


class Deadline(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the training in the middle of an epoch, when the time is over."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.steps = seconds, 0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
        """Look at the clock."""
        self.steps += 1
        if time.monotonic() - BEGAN > self.seconds:
            self.model.stop_training = True


def main() -> None:
    """Do what the script does."""
    text_path, seconds, model_path, report = sys.argv[1:]
    text = Path(text_path).read_text(encoding="utf-8")
    characters = sorted(set(text))
    number = {character: place for place, character in enumerate(characters)}
    inputs, targets = [], []
    for first in range(len(text) - WINDOW):
        inputs.append([number[character] for character in text[first : first + WINDOW]])
        targets.append(number[text[first + WINDOW]])
    x = np.reshape(inputs, (len(inputs), WINDOW, 1)) / float(len(characters))
    y = keras.utils.to_categorical(targets)

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.LSTM(256, return_sequences=True),
            layers.Dropout(0.2),
            layers.LSTM(256),
            layers.Dropout(0.2),
            layers.Dense(y.shape[1], activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    checkpoints = keras.callbacks.ModelCheckpoint(
        str(Path(model_path).parent / "weights-improvement-{epoch:02d}-{loss:.4f}.keras"),
        monitor="loss",
        save_best_only=True,
        mode="min",
    )
    deadline = Deadline(float(seconds))
    model.fit(x, y, epochs=20, batch_size=128, callbacks=[deadline, checkpoints], verbose=0)
    trained = time.monotonic() - BEGAN
    model.save(model_path)

    window = list(inputs[np.random.default_rng(0).integers(len(inputs))])
    for written in range(WRITTEN + 1):
        if written == 1:  # the first call sets Keras up
            began = time.monotonic()
        prediction = model.predict(np.reshape(window, (1, WINDOW, 1)) / float(len(characters)), verbose=0)
        window = [*window[1:], int(np.argmax(prediction))]
    speed = WRITTEN / (time.monotonic() - began)
    facts = {"backend": keras.backend.backend(), "targets": deadline.steps * 128, "seconds": trained, "speed": speed}
    Path(report).write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
