"""From token numbers to logits, step by step, without torch. Knows no text and no HTTP.

`session` says what a session offers, `reference` is the readable NumPy one.
"""
