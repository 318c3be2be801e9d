"""What engines without torch, which only pretend to learn, have in common."""

from __future__ import annotations

from longhand.training.saved import Saved


class Forgetful:
    """An engine that has nothing to remember."""

    def saved(self) -> Saved:
        """See `longhand.training.engine.Engine.saved`."""
        return Saved()

    def restore(self, saved: Saved) -> None:
        """See `Engine.restore`."""
