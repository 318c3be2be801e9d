"""From files to token numbers and back: `sources` finds, `corpus` reads, `characters` counts and encodes.

`corpus` unpacks (`packed`), decodes (`encodings`), takes columns (`columns`) and normalises (`normal_form`) on the way,
as `reading` says. `encoded` puts them together. Knows no network and no model file.
"""
