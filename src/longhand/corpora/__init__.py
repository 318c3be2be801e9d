"""Texts made by rule, of which all is known that can be: how likely each is, and what belongs together in it."""
