"""How far two descriptions of the nonlinear power spectrum are apart where the simulator is compared with one of them.

    pip install pyccl==3.3.6 camb==2.0.5
    python halofit_and_hmcode.py

HMCode 2020 (Mead et al. 2021) over halofit (Takahashi et al. 2012), both CAMB's, in the paper's universe: P(k) in the bands
of `trainer assess`, and C_l in its bands for sources at z = 1.
"""
import numpy as np

from cosmology_reference import COSMOLOGIES, camb, convergence, universe, universe_of_camb

PAPER = COSMOLOGIES["paper"]


def power(version):
    """P(z, k) in (Mpc/h)^3, k in h/Mpc."""
    amplitude = 2e-9
    for _ in range(2):
        parameters = universe_of_camb(
            PAPER, amplitude, halofit_version=version, redshifts=np.linspace(1.0, 0.0, 21), kmax=100.0,
            NonLinear="NonLinear_both")
        results = camb.get_results(parameters)
        amplitude *= (PAPER["sigma_8"] / results.get_sigma8_0()) ** 2
    return results.get_matter_power_interpolator(nonlinear=True, extrap_kmax=1e6).P


def main():
    halofit, hmcode = power("takahashi"), power("mead2020")
    for redshift in (1.0, 0.5, 0.0):
        for low, high in ((0.1, 0.3), (0.3, 1.0), (1.0, 2.0), (2.0, 5.0)):
            k = np.geomspace(low, high, 101)
            ratio = hmcode(redshift, k) / halofit(redshift, k)
            print(f"P(k), z = {redshift}, k = {low}-{high} h/Mpc: {ratio.mean():.3f}")
    for low in (500, 1000, 2000, 4000, 8000):
        ell = np.linspace(low, 2 * low, 41)
        halofit_cl, hmcode_cl = (
            convergence(universe(PAPER), PAPER, 1.0, lambda a: lambda k: spectrum(1 / a - 1, k), ell)
            for spectrum in (halofit, hmcode))
        print(f"C_l, l = {low}-{2 * low}: {(hmcode_cl / halofit_cl).mean():.3f}")


if __name__ == "__main__":
    main()
