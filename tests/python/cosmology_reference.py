"""Values of pyccl and CAMB that tests/native/cosmology.rs holds the trainer's theory to.

    pip install pyccl==3.3.6 camb==2.0.5
    python cosmology_reference.py ../reference/cosmology.json

Radiation and neutrinos are off in pyccl, so that distances and growth mean what they mean here. Its tables are made
finer than by default; what is left of their error is below 1e-6.

pyccl's halofit is that of Takahashi et al. (2012), but it takes w0 for the w of their Eqs. A6 and A7 even if wa is not
0, where the trainer and CAMB take w(a). So it is evaluated in the universe whose *today* is the moment asked for: of
Omega_m(a), Omega_de(a) and w(a), with that moment's linear spectrum. For a constant w that changes nothing, which is
checked.

C_l is Limber's integral over pyccl's distances and that halofit, done here: in a curved universe pyccl's own takes chi
in some places where f_K belongs (0.5 % at z = 1 for Omega_k = 0.05). The integral with chi in these places is checked
to be pyccl's.

In "camb" CAMB's own linear spectra go into its own halofit (version takahashi). They have its radiation.
"""
import functools
import json
import sys

import camb
import numpy as np
import pyccl as ccl

COSMOLOGIES = {
    "paper": dict(omega_m=0.26, omega_l=0.74, h=0.72, w0=-1.0, wa=0.0, omega_b=0.042, sigma_8=0.798, n_s=0.96),
    "planck": dict(omega_m=0.311, omega_l=0.689, h=0.6766, w0=-1.0, wa=0.0, omega_b=0.049, sigma_8=0.81, n_s=0.9665),
    "w0wa": dict(omega_m=0.3, omega_l=0.7, h=0.7, w0=-0.9, wa=0.2, omega_b=0.045, sigma_8=0.8, n_s=0.965),
    "w-0.8": dict(omega_m=0.28, omega_l=0.72, h=0.7, w0=-0.8, wa=0.0, omega_b=0.045, sigma_8=0.75, n_s=0.97),
    "open": dict(omega_m=0.3, omega_l=0.65, h=0.7, w0=-1.0, wa=0.0, omega_b=0.045, sigma_8=0.8, n_s=0.965),
    "closed": dict(omega_m=0.3, omega_l=0.75, h=0.7, w0=-1.0, wa=0.0, omega_b=0.045, sigma_8=0.8, n_s=0.965),
}
REDSHIFTS = [0.01, 0.1, 0.3, 0.5, 1.0, 2.0, 3.0, 9.0]
HALOFIT_REDSHIFTS = [0.0, 0.5, 1.0, 3.0]
K = np.geomspace(1e-3, 100.0, 21)
SOURCES = [0.5, 1.0, 2.0]
ELL = np.array([100, 200, 500, 1000, 2000, 5000, 10000, 20000])
HUBBLE_DISTANCE = 2997.92458

ccl.gsl_params.INTEGRATION_DISTANCE_EPSREL = 1e-10
ccl.gsl_params.ODE_GROWTH_EPSREL = 1e-9
ccl.gsl_params.INTEGRATION_SIGMAR_EPSREL = 1e-7
ccl.gsl_params.INTEGRATION_EPSREL = 1e-6
ccl.gsl_params.ROOT_EPSREL = 1e-8
ccl.spline_params.A_SPLINE_NA = 2000
ccl.spline_params.A_SPLINE_NLOG = 1000
ccl.spline_params.N_K = 400
ccl.spline_params.K_MAX_SPLINE = 1e3
ccl.spline_params.K_MAX = 1e3


def numbers(values, digits=7):
    return [float(f"{value:.{digits}g}") for value in np.ravel(values)]


def universe(c, transfer="eisenstein_hu"):
    return ccl.Cosmology(
        Omega_c=c["omega_m"] - c["omega_b"], Omega_b=c["omega_b"], h=c["h"], n_s=c["n_s"], sigma8=c["sigma_8"],
        Omega_k=1 - c["omega_m"] - c["omega_l"], w0=c["w0"], wa=c["wa"], Neff=0, m_nu=0, Omega_g=0, T_CMB=2.7255,
        transfer_function=transfer, matter_power_spectrum="halofit")


def linear(cosmo, c, k, a):
    """In (Mpc/h)^3, k in h/Mpc: today's spectrum, grown."""
    return ccl.linear_matter_power(cosmo, k * c["h"], 1.0) * c["h"] ** 3 * ccl.growth_factor(cosmo, a) ** 2


def halofit(cosmo, c, a, k_linear, p_linear):
    """pyccl's halofit of a spectrum at a scale factor, with w(a)."""
    matter, dark = ccl.omega_x(cosmo, a, "matter"), ccl.omega_x(cosmo, a, "dark_energy")
    # Only densities and w enter; those of the linear spectrum do not.
    moment = ccl.Cosmology(
        Omega_c=0.8 * matter, Omega_b=0.2 * matter, h=0.7, n_s=0.96, sigma8=0.8, Omega_k=1 - matter - dark,
        w0=c["w0"] + c["wa"] * (1 - a), wa=0, Neff=0, m_nu=0, Omega_g=0, T_CMB=2.7255)
    # The same at several times, of which the last is today. Wave numbers and power are used as they are: in h/Mpc.
    times = np.linspace(0.6, 1.0, 5)
    spectrum = ccl.Pk2D(a_arr=times, lk_arr=np.log(k_linear), pk_arr=np.log(np.tile(p_linear, (5, 1))), is_logp=True)
    nonlinear = spectrum.apply_halofit(moment)
    return lambda k: nonlinear(k, 1.0)


def transverse(c, chi):
    curvature = 1 - c["omega_m"] - c["omega_l"]
    if abs(curvature) < 1e-9:
        return chi
    x = np.sqrt(abs(curvature)) * chi / HUBBLE_DISTANCE
    return chi * (np.sinh(x) if curvature > 0 else np.sin(x)) / x


def convergence(cosmo, c, redshift, power, ell=ELL, as_pyccl=False):
    """Limber's integral by Gauss and Legendre over the root of the distance; power(a) is P(k) at a scale factor."""
    a_source = 1 / (1 + redshift)
    source = ccl.comoving_radial_distance(cosmo, a_source) * c["h"]
    nodes, weights = np.polynomial.legendre.leggauss(120)
    total = np.zeros(len(ell))
    for node, weight in zip(0.5 * (nodes + 1), 0.5 * weights):
        chi = source * node**2
        a = ccl.scale_factor_of_chi(cosmo, chi / c["h"])
        f = transverse(c, chi)
        kernel = 1.5 * c["omega_m"] / HUBBLE_DISTANCE**2 * f * transverse(c, source - chi) / transverse(c, source) / a
        values = power(a)((ell + 0.5) / (chi if as_pyccl else f))
        total += weight * 2 * source * node * (kernel * (chi / f if as_pyccl else 1) / f) ** 2 * values
    return total


def check_against_pyccl(cosmo, c, values, power):
    """Constant w: pyccl's own path through halofit and Limber's integral says the same."""
    for z, expected in zip(HALOFIT_REDSHIFTS, values["halofit"]):
        own = ccl.nonlin_matter_power(cosmo, K * c["h"], 1 / (1 + z)) * c["h"] ** 3
        print("  halofit, pyccl's path", z, np.abs(own / expected - 1).max())
        # It jumps where Omega_m(a) comes within 1 % of 1, and pyccl's path interpolates across.
        beside_jump = abs(1 - ccl.omega_x(cosmo, 1 / (1 + z), "matter")) < 0.01
        assert beside_jump or np.abs(own / expected - 1).max() < 1e-4
    for z in SOURCES:
        tracer = ccl.CMBLensingTracer(cosmo, z_source=z, n_samples=1000)
        ratio = ccl.angular_cl(cosmo, tracer, tracer, ELL) / convergence(cosmo, c, z, power, as_pyccl=True)
        print("  C_l, pyccl's path", z, np.abs(ratio - 1).max())
        # Its l (l + 1) / (l + 1/2)^2 in place of 1 is 2.5e-5 less at l = 100, and enters squared.
        assert np.abs(ratio - 1).max() < 1e-4


def values_of_pyccl(c):
    cosmo = universe(c)
    a = 1 / (1 + np.array(REDSHIFTS))
    chi = ccl.comoving_radial_distance(cosmo, a) * c["h"]
    out = {
        "parameters": c,
        "chi": numbers(chi, 9),
        "f_K": numbers(ccl.comoving_angular_distance(cosmo, a) * c["h"], 9),
        "growth": numbers(ccl.growth_factor(cosmo, a), 8),
        "linear": numbers(linear(cosmo, c, K, 1.0)),
        "linear_no_wiggles": numbers(linear(universe(c, "eisenstein_hu_nowiggles"), c, K, 1.0)),
    }
    k_linear = np.geomspace(1e-5, 1e3, 3000)

    @functools.cache
    def power(a):
        return halofit(cosmo, c, a, k_linear, linear(cosmo, c, k_linear, a))

    out["halofit"] = [numbers(power(1 / (1 + z))(K)) for z in HALOFIT_REDSHIFTS]
    out["c_ell"] = [numbers(convergence(cosmo, c, z, power)) for z in SOURCES]
    if c["wa"] == 0:
        check_against_pyccl(cosmo, c, out, power)
    return out


def universe_of_camb(c, amplitude=2e-9, **settings):
    return camb.set_params(
        H0=100 * c["h"], ombh2=c["omega_b"] * c["h"] ** 2, omch2=(c["omega_m"] - c["omega_b"]) * c["h"] ** 2, mnu=0,
        omk=1 - c["omega_m"] - c["omega_l"], w=c["w0"], wa=c["wa"], dark_energy_model="ppf", ns=c["n_s"], As=amplitude,
        **settings)


def values_of_camb(c):
    params = universe_of_camb(
        c, halofit_version="takahashi", redshifts=[1.0, 0.0], kmax=200.0, NonLinear="NonLinear_none")
    params.set_accuracy(AccuracyBoost=2)
    params.Transfer.accurate_massive_neutrinos = False
    # 24 a decade, so that every wave number of K from the seventh on is among them.
    k_linear = np.geomspace(1e-4, 100, 145)
    out = {"parameters": c, "redshifts": [0.0, 1.0], "linear": [], "halofit": []}
    results = camb.get_results(params)
    plain = results.get_matter_power_interpolator(nonlinear=False)
    params.NonLinear = camb.model.NonLinear_both
    fitted = camb.get_results(params).get_matter_power_interpolator(nonlinear=True)
    for z in out["redshifts"]:
        out["linear"].append(numbers(plain.P(z, k_linear)))
        out["halofit"].append(numbers(fitted.P(z, K[6:])))
    return out


def write(path, table):
    """One line a list of numbers."""
    def text(value, indent):
        if isinstance(value, dict) and not all(isinstance(v, float) for v in value.values()):
            inner = ",\n".join(f'{" " * (indent + 1)}"{key}": {text(v, indent + 1)}' for key, v in value.items())
            return "{\n" + inner + "\n" + " " * indent + "}"
        if isinstance(value, list) and value and isinstance(value[0], list):
            return "[\n" + ",\n".join(" " * (indent + 1) + text(v, indent + 1) for v in value) + "]"
        return json.dumps(value)

    with open(path, "w") as file:
        file.write(text(table, 0) + "\n")


def main():
    table = {
        "about": f"pyccl {ccl.__version__}, CAMB {camb.__version__}: tests/python/cosmology_reference.py",
        "redshifts": REDSHIFTS, "halofit_redshifts": HALOFIT_REDSHIFTS, "source_redshifts": SOURCES,
        "k": numbers(K, 12), "ell": ELL.tolist(), "pyccl": {}, "camb": {},
    }
    for name, c in COSMOLOGIES.items():
        print(name)
        table["pyccl"][name] = values_of_pyccl(c)
    table["camb_k"] = {"first": 1e-4, "last": 100.0, "count": 145, "nonlinear_from": 6}
    for name in ["paper", "w0wa"]:
        c = dict(COSMOLOGIES[name])
        table["camb"][name] = values_of_camb(c)
    write(sys.argv[1], table)


if __name__ == "__main__":
    main()
