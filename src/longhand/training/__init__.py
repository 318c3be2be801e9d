"""Training a network on a corpus. `trainer.train_model` is the way in; `events` is what comes out on the way.

Only `torch_engine` knows torch; everything else speaks NumPy arrays and the `Engine` protocol.
"""
