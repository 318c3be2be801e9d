"""Shapes that a text must have, whatever its tokens: patterns, lines, letters and strings that it may not have."""
