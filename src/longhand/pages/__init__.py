"""Pages that are one HTML file, complete in itself: what all of them look like, and what none of them may do."""
