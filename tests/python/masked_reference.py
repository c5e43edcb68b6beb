"""Writes what LensTools 1.2 measures of a map with masked pixels, for the test `masked_statistics_equal_lenstools`.

Run where LensTools can be imported (`cargo xtask bench statistics` builds it in .tools/lenstools):

    PYTHONPATH=.tools/lenstools/lenstools-1.2 .tools/lenstools/venv/bin/python tests/python/masked_reference.py > shared/tests/masked.json
"""

import json

import numpy as np
from astropy import units
from lenstools import ConvergenceMap

PIXELS, SIDE = 48, 0.5


def kappa():
    """Waves without an axis of symmetry, in float32, as the Rust test makes them."""
    row, column = np.mgrid[0:PIXELS, 0:PIXELS].astype(float)
    waves = np.sin(0.7 * row + 0.3 * column) + 0.6 * np.cos(0.41 * column * row / 7.0) + 0.2 * ((row * 31 + column * 17) % 11)
    return (0.02 * waves).astype(np.float32)


def mask():
    row, column = np.mgrid[0:PIXELS, 0:PIXELS]
    used = ~((row - 20) ** 2 + (column - 11) ** 2 < 50) & ~((row < 6) & (column > 30)) & ((row * 7 + column * 3) % 101 != 0)
    return used.astype(np.int8)


full = ConvergenceMap(kappa().astype(np.float64), angle=SIDE * units.deg)
masked = full.mask(mask())
masked.maskBoundaries()
nu = np.array([-2.0 + 0.2 * i for i in range(20)])
heights = np.array([-1.0 + 0.2 * i for i in range(30)])
pixels = np.array([-0.1 + 0.002 * i for i in range(251)])
_, v0, v1, v2 = masked.minkowskiFunctionals(nu, norm=True)
_, peaks = masked.peakCount(heights, norm=True)
_, density = masked.pdf(pixels)
print(json.dumps({
    "masked": float(1.0 - mask().mean()),
    "mean": float(masked.mean()),
    "sigma": float(masked.std()),
    "v0": v0.tolist(), "v1": v1.tolist(), "v2": v2.tolist(),
    "peaks": peaks.tolist(),
    "pdf": density.tolist(),
    "moments": masked.moments().tolist(),
}))
