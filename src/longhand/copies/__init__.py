"""What of a text occurs in another, longer one: a suffix array on disk, a guard against copying, and a report."""
