"""From files to token numbers and back: `sources` finds, `corpus` reads, `characters` counts and encodes.

`encoded` puts them together. Knows no network and no model file.
"""
