"""A window into the cell: what gates do as a text is read, what units follow, how long a network remembers."""
