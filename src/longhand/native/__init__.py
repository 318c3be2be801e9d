"""What the parts in C share: headers, and how a compiled library is found and loaded.

They are plain shared libraries beside the Python that calls them, loaded by their full path: no module is imported from
them, and calls run without Python's global lock. Where there is none (no compiler when Longhand was installed) others
do the work: NumPy where models run, torch where they are trained.
"""
