"""How near a model comes to a source whose entropy is known, and how far its memory reaches."""
