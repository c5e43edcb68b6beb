"""Training steps of a small network under each way in which libgomp's threads may wait, alone and beside other work.

    python compare_waiting.py TRAINER [--steps 150] [--rounds 3]

TRAINER is the release build. The ways take turns; the table gives medians over the rounds, in milliseconds a step, and their
ratio to the first way, which is the trainer's own.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

WAYS = {
    "the trainer's": {},
    "libgomp's own": {"GOMP_SPINCOUNT": "300000"},
    "sleeping at once": {"OMP_WAIT_POLICY": "PASSIVE"},
}
SETTINGS = """
batch_size = 8
sample_every = 100000
checkpoint_every = 100000
log_every = 10
[network]
latent_size = 16
map_side = 32
base_channels = 8
stages = 2
kappa_scale = 0.125
"""


def milliseconds(trainer, folder, way, name, steps):
    """Median time of a step, by the run's own log."""
    environment = {key: value for key, value in os.environ.items() if key not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")}
    command = [trainer, "train", "--config", "small.toml", "--data", "maps.npy", "--out", name, "--device", "cpu", "--steps", str(steps)]
    subprocess.run(command, cwd=folder, env=environment | way, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = [json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()]
    seconds = [line["step_seconds"] for line in lines if line["kind"] == "progress"]
    return 1000 * statistics.median(seconds[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trainer", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    trainer = arguments.trainer.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "small.toml").write_text(SETTINGS)
        np.save(folder / "fields.npy", np.random.default_rng(1).normal(0, 0.02, (4, 128, 128)).astype(np.float32))
        maps = "maps --maps fields.npy --side-angle 0.9 --count 64 --size 32 --out maps.npy"
        subprocess.run([trainer, *maps.split()], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        run = 0
        for label, busy in (("alone", 0), ("beside as many busy programs as cores", os.cpu_count())):
            others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
            try:
                times = {way: [] for way in WAYS}
                for _ in range(arguments.rounds):
                    for way, variables in WAYS.items():
                        run += 1
                        times[way].append(milliseconds(trainer, folder, variables, f"run-{run}", arguments.steps))
            finally:
                for other in others:
                    other.kill()
                    other.wait()
            print(f"\n{label}")
            first = statistics.median(times[next(iter(WAYS))])
            for way, measured in times.items():
                median = statistics.median(measured)
                print(f"  {way:18} {median:8.2f} ms a step   {median / first:5.2f}")


if __name__ == "__main__":
    main()
