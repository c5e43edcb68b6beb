"""Speed and values of the statistics beside LensTools 1.2 and SciPy, on one machine in one run, one thread each.

    python compare_statistics.py TRAINER CRITERION [--maps 64] [--rounds 3]

TRAINER is the release build, CRITERION the folder of its statistics benchmark's results (target/criterion), made just before.
`cargo xtask bench` does all of it. The maps are noise, smoothed over two pixels.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import warnings

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["RAYON_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")

import astropy.units as units
import cosmogan
import numpy as np
from lenstools import ConvergenceMap
from scipy import ndimage, stats

SIDE = 0.865
ELL = np.arange(200.0, 50000.0, 200.0)
NU = np.arange(-2.0, 2.0, 0.2)
HEIGHTS = np.arange(-1.0, 5.0, 0.2)
KAPPA = np.linspace(-0.1, 0.4, 251)
RESAMPLED = 20


def seconds(of, maps):
    """Seconds a map. LensTools keeps derivatives in the map, so each round has fresh ones."""
    fresh = [ConvergenceMap(kappa.astype(float), angle=SIDE * units.deg) for kappa in maps]
    start = time.perf_counter()
    for kappa in fresh:
        of(kappa)
    return (time.perf_counter() - start) / len(maps)


def papers(kappa):
    kappa.powerSpectrum(ELL)
    kappa.minkowskiFunctionals(NU, norm=True)
    kappa.peakCount(HEIGHTS, norm=True)


def everything(kappa):
    papers(kappa)
    kappa.pdf(KAPPA)
    kappa.moments()


def criterion(folder, group, function):
    name = lambda text: "".join(c if c.isalnum() or c in "-_" else "_" for c in text)
    for estimate in pathlib.Path(folder).glob("*/*/new/estimates.json"):
        if name(estimate.parts[-4]) == name(group) and name(estimate.parts[-3]) == name(function):
            return json.loads(estimate.read_text())["median"]["point_estimate"] * 1e-9
    raise SystemExit(f"{folder} holds no result of {group}, {function}: run `cargo bench -p shared --bench statistics` first")


def scipy_bootstrap():
    """Seconds of one bootstrap of both tests, 6400 against 6400 values."""
    random = np.random.default_rng(1)
    pool = random.standard_normal(12800)
    start = time.perf_counter()
    for _ in range(RESAMPLED):
        a, b = random.choice(pool, 6400), random.choice(pool, 6400)
        stats.ks_2samp(a, b, method="asymp")
        stats.anderson_ksamp([a, b])
    return (time.perf_counter() - start) / RESAMPLED


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("trainer", type=lambda path: str(pathlib.Path(path).resolve()))
parser.add_argument("criterion")
parser.add_argument("--maps", type=int, default=64)
parser.add_argument("--rounds", type=int, default=3)
arguments = parser.parse_args()

noise = np.random.default_rng(2).standard_normal((arguments.maps, 256, 256))
maps = np.stack([0.1 * ndimage.gaussian_filter(one, 2, mode="wrap") for one in noise]).astype("<f4")
with tempfile.TemporaryDirectory() as folder:
    np.save(pathlib.Path(folder) / "maps.npy", maps)
    command = [arguments.trainer, "statistics", "--maps", "maps.npy", "--side-angle", str(SIDE), "--json", "s.json", "--force"]
    environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
    ours, theirs, theirs_papers, through_python = [], [], [], []
    for _ in range(arguments.rounds):
        told = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout
        ours.append(1.0 / float(told.split(" maps/s")[0].split()[-1]))
        theirs.append(seconds(everything, maps))
        start = time.perf_counter()
        measured = cosmogan.statistics(maps, SIDE, two_point=False, bispectrum=False)
        through_python.append((time.perf_counter() - start) / len(maps))
        theirs_papers.append(seconds(papers, maps))
    found = json.loads((pathlib.Path(folder) / "s.json").read_text())

deviation = {}
for index, kappa in enumerate(maps):
    kappa = ConvergenceMap(kappa.astype(float), angle=SIDE * units.deg)
    values = dict(zip(("v0", "v1", "v2"), kappa.minkowskiFunctionals(NU, norm=True)[1:]))
    values["power_spectrum"], values["peaks"] = kappa.powerSpectrum(ELL)[1], kappa.peakCount(HEIGHTS, norm=True)[1]
    values["pdf"], values["moments"] = kappa.pdf(KAPPA)[1], kappa.moments()
    for name, value in values.items():
        mine = np.array([0.0 if one is None else one for one in found[name][index]])
        assert np.array_equal(mine, np.nan_to_num(measured[name][index])), name
        scale = np.maximum(np.abs(value), 1e-6 * np.abs(value).max())
        deviation[name] = max(deviation.get(name, 0.0), float(np.max(np.abs(mine - value) / scale)))

paper = criterion(arguments.criterion, "one map", "P(l), Minkowski functionals, peaks")
bootstrap = criterion(arguments.criterion, "6400 and 6400 values, KS and AD", "100 resamples, Bootstrap") / 100
row = lambda what, mine, other, unit, whose: print(f"{what:<58} ours {mine:8.3f}, {whose} {other:8.3f} {unit}, ratio {other / mine:.1f}")
print(f"one thread each, {arguments.maps} maps of 256 x 256 pixels, medians of {arguments.rounds} rounds")
row("P(l), Minkowski functionals, peaks (the paper's)", 1e3 * paper, 1e3 * statistics.median(theirs_papers), "ms a map", "LensTools")
row("all; ours also file, minima, xi(theta), bispectrum", 1e3 * statistics.median(ours), 1e3 * statistics.median(theirs), "ms a map", "LensTools")
row("from Python, without xi(theta) and bispectrum, as LensTools", 1e3 * statistics.median(through_python), 1e3 * statistics.median(theirs), "ms a map", "LensTools")
of_scipy = scipy_bootstrap()
row("one bootstrap of KS and AD, 6400 against 6400 values", 1e3 * bootstrap, 1e3 * of_scipy, "ms", "SciPy")
row("that 1000 times at 248 modes, from the line above", 248e3 * bootstrap, 248e3 * of_scipy, "s", "SciPy")
print("largest relative difference to LensTools: " + ", ".join(f"{name} {value:.1e}" for name, value in deviation.items()))
