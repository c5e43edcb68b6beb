"""Weak-lensing convergence maps: drawn by CosmoGAN, measured, compared."""

from collections.abc import Iterable
from os import PathLike
from typing import Any, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Generator", "statistics", "compare", "__version__"]
__version__: str

@final
class Generator:
    """A trained generator, on the processor. A seed is the same map here, on the web page and in `trainer generate`."""

    @staticmethod
    def load(folder: str | PathLike[str], precision: Literal["f16", "f32"] | None = None) -> Generator:
        """Reads weights: a folder with manifest.json, as `trainer export` and `trainer import` write it, its manifest, or a file of
        tensors beside it. Without a precision the most precise file that is there.

        Raises OSError where they cannot be read, ValueError where they are not what their manifest says."""

    def draw(self, seeds: int | Iterable[int]) -> NDArray[np.float32]:
        """The maps of some seeds, whole numbers from 0 to 2**64 - 1: kappa [len(seeds), pixels, pixels]; of one seed [pixels, pixels].

        Raises ValueError for what is no seed, MemoryError where so many maps have no room."""

    def draw_latent(self, z: ArrayLike) -> NDArray[np.float32]:
        """The maps of latent vectors [N, latent_size], or of one [latent_size]: kappa [N, pixels, pixels], or [pixels, pixels]."""

    def latent(self, seed: int) -> NDArray[np.float32]:
        """The latent vector of a seed: latent_size numbers of a standard normal distribution."""

    @property
    def pixels(self) -> int:
        """Pixels along the side of a map."""

    @property
    def side_angle(self) -> float:
        """Side of a map in degrees."""

    @property
    def latent_size(self) -> int:
        """Numbers in a latent vector."""

    @property
    def manifest(self) -> dict[str, Any]:
        """What the weights are: sizes, training or origin, how far P(l) is from the data's."""

def statistics(
    maps: ArrayLike,
    side_angle: float,
    *,
    mask: ArrayLike | None = None,
    l_edges: ArrayLike | None = None,
    thresholds: ArrayLike | None = None,
    peak_thresholds: ArrayLike | None = None,
    pdf_thresholds: ArrayLike | None = None,
    two_point: bool = True,
    bispectrum: bool = True,
) -> dict[str, NDArray[np.float64]]:
    """Measures every statistic of maps [N, pixels, pixels], or of one, whose side is `side_angle` degrees. Kappa is taken in float32.

    `mask` [pixels, pixels] or [N, pixels, pixels] is 0 where pixels are left out and 1 elsewhere: of a masked array `~maps.mask`. `l_edges` are multipoles; `thresholds` (of the Minkowski
    functionals) and `peak_thresholds` are in units of each map's sigma, `pdf_thresholds` in kappa; the paper's where they are not given. Two thirds of the time
    go into two_point and bispectrum, which False leaves out.

    The arrays, by name, NaN where a value does not exist:

    ell [B], power_spectrum [N, B]: P(l) in steradians, LensTools' ConvergenceMap.powerSpectrum
    nu [B], v0, v1, v2 [N, B]: area, boundary per pixel, genus per pixel, LensTools' minkowskiFunctionals
    peak_nu [B], peaks [N, B]: peaks per unit of nu, LensTools' peakCount
    minimum_nu [B], minima [N, B]: minima per unit of nu
    kappa [B], pdf [N, B]: density of pixel values, LensTools' pdf
    theta [B], two_point [N, B]: xi(theta), theta in arcminutes
    triangle_ell [B], bispectrum [N, B]: B(l, l, l) in steradians^2
    moments [N, 9]: sigma0, sigma1, S0, S1, S2, K0, K1, K2, K3, LensTools' moments(connected=True)
    mean, sigma, masked [N]: of kappa; share of pixels left out

    Raises ValueError where maps are not square, not finite where they are not masked, or edges do not rise."""

def compare(
    maps: ArrayLike, against: ArrayLike, side_angle: float, *, resamples: int = 1000, seed: int = 1
) -> dict[str, Any]:
    """Asks whether two sets of maps, [N, pixels, pixels] and [M, pixels, pixels], are one population: what `trainer compare --json`
    writes as "comparison". Per statistic and bin Kolmogorov-Smirnov and Anderson-Darling tests with p-values by permutation and bootstrap, per
    statistic one p-value of all bins by permutation of whole maps ("ks"/"ad" -> "together"), the pixels' densities, the correlation matrices
    of P(l), and ratios of its mean and sigma in wide bands.

    Raises ValueError where the sets cannot be compared, or resamples are fewer than 10."""
