"""The LSTM in C: `kernel.c` and what Python needs to call it.

`library` finds and loads it, `packing` lays out the weights as it reads them, `session` is a session that runs it.
"""
