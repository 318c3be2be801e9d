"""A training's log as a page: `history` reads it, `charts` draws it, `page` writes it."""
