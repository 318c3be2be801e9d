"""The command line: each command in a module of its own, which imports what it needs when it runs."""
