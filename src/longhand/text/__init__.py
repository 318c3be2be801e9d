"""From files to token numbers and back: `corpus` reads, `characters` counts and encodes, `encoded` puts both together.

Knows no network and no model file.
"""
