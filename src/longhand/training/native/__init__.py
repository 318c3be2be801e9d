"""Training in C: `learn.c` makes a step, `library` loads it, `layout` lays out the weights as it reads them."""
