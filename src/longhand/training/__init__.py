"""Training a network on a corpus. `trainer.train_model` is the way in; `events` is what comes out on the way.

`native_engine` and `torch_engine` compute; only the latter knows torch. Everything else speaks NumPy arrays and the
`Engine` protocol.
"""
