"""Reads one of our FITS maps with astropy and checks pixels, header and coordinates: `read_fits.py MAP.fits EXPECTED.f32`."""
import sys
import warnings

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

warnings.simplefilter("error")
path, expected = sys.argv[1:]
with fits.open(path) as file:
    file.verify("exception")
    header, pixels = file[0].header, file[0].data
side = pixels.shape[0]
assert np.array_equal(pixels.astype("<f4").ravel(), np.fromfile(expected, "<f4")), "pixels differ"
assert header["ANGLE"] == 0.865 and header["SEED"] == 42 and header["WEIGHTS"] == "sha256 of it", repr(header)
assert header["OMEGA_M"] == 0.26 and header["H"] == 0.72, repr(header)
# The corners of the image are ANGLE apart.
scales = np.abs(np.diag(WCS(header).pixel_scale_matrix)) * side
assert np.allclose(scales, 0.865, rtol=1e-6), scales
