"""What is in a text, and what will trip a training: behind `longhand check`."""
