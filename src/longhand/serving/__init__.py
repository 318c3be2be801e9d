"""Many who write with one model at the same time. Knows no HTTP."""
