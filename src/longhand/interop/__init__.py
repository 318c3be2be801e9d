"""Models of other programs. `keras_import` is the way in for what Keras saves.

`keras_file` knows the three formats, `keras_layers` the layers that are understood, `hdf5` what may be read of an HDF5
file. Only arrays and plain JSON are read: no class, function or path that a file names is ever looked up.
"""
