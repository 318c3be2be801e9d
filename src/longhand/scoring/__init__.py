"""How well a model predicts a text, and what surprises it. Behind `longhand score`."""
