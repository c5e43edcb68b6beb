"""Speed of the simulator's transforms beside SciPy's, on one machine in one run, with equal threads.

    python compare_simulator.py CRITERION [--threads 2] [--rounds 5]

CRITERION is the folder of the simulator benchmark's results (target/criterion), made just before with RAYON_NUM_THREADS the same.
`cargo xtask bench` does all of it. Cubes are single precision; SciPy's `rfftn` and `irfftn`.
"""
import argparse
import json
import pathlib
import statistics
import time

import numpy as np
import scipy.fft


def criterion(folder, group, function, n=None):
    path = pathlib.Path(folder) / group / function / (str(n) if n else "") / "new" / "estimates.json"
    if not path.is_file():
        raise SystemExit(f"{path} is not there: run `cargo bench -p trainer --bench simulator` first")
    return json.loads(path.read_text())["median"]["point_estimate"] * 1e-9


def seconds(of, rounds):
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        of()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("criterion")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=5)
arguments = parser.parse_args()

print(f"{arguments.threads} threads, medians; SciPy {scipy.__version__}")
for n in (256, 512):
    cube = np.random.default_rng(1).random((n, n, n), dtype=np.float32)
    spectrum = scipy.fft.rfftn(cube, workers=arguments.threads)
    for name, of in (
        ("forward", lambda: scipy.fft.rfftn(cube, workers=arguments.threads)),
        ("inverse", lambda: scipy.fft.irfftn(spectrum, workers=arguments.threads)),
    ):
        mine, other = criterion(arguments.criterion, "cube", name, n), seconds(of, arguments.rounds)
        print(f"{n}^3 {name}: ours {1e3 * mine:7.1f} ms, SciPy {1e3 * other:7.1f} ms, ratio {other / mine:.2f}")
group = "gravity of 64_3 particles at z = 0"
pairs, mesh = criterion(arguments.criterion, group, "P3M"), criterion(arguments.criterion, group, "mesh alone")
print(f"a step of P3M takes {pairs / mesh:.1f} times one of the mesh alone ({1e3 * pairs:.0f} ms, {1e3 * mesh:.0f} ms, 64^3 particles at z = 0)")
