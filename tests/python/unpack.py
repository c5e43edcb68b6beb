"""One array of an .npz archive as raw little-endian f64: its number of axes and its shape, then its values.

    python unpack.py ARCHIVE.npz NAME OUT
"""
import sys

import numpy as np

archive, name, out = sys.argv[1:]
array = np.load(archive)[name]
with open(out, "wb") as file:
    np.array([array.ndim, *array.shape], "<f8").tofile(file)
    array.astype("<f8").tofile(file)
