"""From logits to token numbers to text: one sampler and one loop, for everything that writes."""
