"""How far two descriptions of the nonlinear power spectrum are apart where the simulator is compared with one of them.

    pip install camb==2.0.5 scipy==1.17.1
    python halofit_and_hmcode.py

HMCode 2020 (Mead et al. 2021) over halofit (Takahashi et al. 2012), both CAMB's, in the paper's universe: P(k) in the bands
of `trainer assess`, and Limber's C_l in its bands for sources at z = 1.
"""
import camb
import numpy as np
from scipy.interpolate import RectBivariateSpline

HUBBLE, MATTER, BARYONS, SIGMA_8, SLOPE = 0.72, 0.26, 0.042, 0.798, 0.96
HUBBLE_DISTANCE = 2997.92458
REDSHIFTS = np.linspace(1.0, 0.0, 21)


def power(version):
    """k in h/Mpc, and P(k) in (Mpc/h)^3 at each of the redshifts, from today on."""
    amplitude = 2e-9
    for _ in range(2):
        parameters = camb.set_params(
            H0=100 * HUBBLE, ombh2=BARYONS * HUBBLE**2, omch2=(MATTER - BARYONS) * HUBBLE**2, mnu=0.0, omk=0.0, ns=SLOPE,
            As=amplitude, halofit_version=version,
        )
        parameters.set_matter_power(redshifts=REDSHIFTS, kmax=100.0)
        parameters.NonLinear = camb.model.NonLinear_both
        results = camb.get_results(parameters)
        amplitude *= (SIGMA_8 / results.get_sigma8_0()) ** 2
    k, redshifts, values = results.get_matter_power_spectrum(minkh=1e-3, maxkh=90.0, npoints=600)
    return k, np.array(redshifts), values


def convergence_power(multipoles, k, redshifts, values):
    """Limber's C_l, up to a factor."""
    ln_power = RectBivariateSpline(redshifts, np.log(k), np.log(values))
    z = np.linspace(0.0, 1.0, 2001)
    rate = np.sqrt(MATTER * (1 + z) ** 3 + 1 - MATTER)
    distance = np.concatenate([[0.0], np.cumsum(HUBBLE_DISTANCE * np.diff(z) * 0.5 * (1 / rate[1:] + 1 / rate[:-1]))])
    z, rate, source, distance = z[20:-1], rate[20:-1], distance[-1], distance[20:-1]
    weight = ((1 + z) * (1 - distance / source)) ** 2 / rate
    return np.array([np.sum(weight * np.exp(ln_power.ev(z, np.log(multipole / distance)))) for multipole in multipoles])


halofit, hmcode = power("takahashi"), power("mead2020")
for redshift in (1.0, 0.5, 0.0):
    at = int(np.argmin(np.abs(halofit[1] - redshift)))
    ratio = hmcode[2][at] / halofit[2][at]
    for low, high in ((0.1, 0.3), (0.3, 1.0), (1.0, 2.0), (2.0, 5.0)):
        band = (halofit[0] >= low) & (halofit[0] < high)
        print(f"P(k), z = {redshift}, k = {low}-{high} h/Mpc: {ratio[band].mean():.3f}")
for low in (500, 1000, 2000, 4000, 8000):
    multipoles = np.linspace(low, 2 * low, 41)
    ratio = convergence_power(multipoles, *hmcode) / convergence_power(multipoles, *halofit)
    print(f"C_l, l = {low}-{2 * low}: {ratio.mean():.3f}")
