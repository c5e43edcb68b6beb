"""Speed of the trainer beside PyTorch, on one machine in one run: seconds a training step and generated maps a second.

    python compare_training.py TRAINER [--device cpu|cuda] [--precision f32|bf16] [--map-layers f32|bf16] [--batch 64] [--steps 50] [--rounds 3]

TRAINER is the release build. The PyTorch side is what one would write today: the same networks and step, channels-last,
autocast, fused Adam, data in memory. The two take turns; the table gives medians over the rounds and their ratio.
"""
import argparse
import contextlib
import json
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

WARM_UP = 5
GENERATED_AT_ONCE = 16


def generator():
    layers = [nn.Linear(64, 512 * 256), nn.Unflatten(1, (512, 16, 16)), nn.BatchNorm2d(512), nn.ReLU()]
    for channels, out in ((512, 256), (256, 128), (128, 64)):
        layers += [nn.ConvTranspose2d(channels, out, 5, 2, 2, 1), nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 1, 5, 2, 2, 1), nn.Tanh())


def discriminator():
    layers = [nn.Conv2d(1, 64, 5, 2, 2), nn.LeakyReLU(0.2)]
    for channels, out in ((64, 128), (128, 256), (256, 512)):
        layers += [nn.Conv2d(channels, out, 5, 2, 2), nn.BatchNorm2d(out), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512 * 256, 1))


def synchronise(device):
    if device == "cuda":
        torch.cuda.synchronize()


def pytorch_step(maps, arguments):
    """Seconds a step of the paper's procedure (Section 2.3): both updates from one forward pass, as in the authors' graph."""
    device, batch = arguments.device, arguments.batch
    draws, judges = (net().to(device, memory_format=torch.channels_last) for net in (generator, discriminator))
    adams = [torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999), fused=True) for net in (draws, judges)]
    autocast = lambda: torch.autocast(device, torch.bfloat16, enabled=arguments.precision == "bf16")
    loss = lambda logits, label: functional.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits.float(), label))
    start = 0.0
    for step in range(WARM_UP + arguments.steps):
        if step == WARM_UP:
            synchronise(device)
            start = time.perf_counter()
        data = torch.from_numpy(maps[torch.randint(len(maps), (batch,)).numpy()]).to(device)
        # As in the trainer: the layers next to the map stay in f32 unless asked otherwise.
        beside = autocast if arguments.map_layers == "bf16" else contextlib.nullcontext
        with autocast():
            features = draws[:-2](torch.randn(batch, 64, device=device))
        with beside():
            drawn = draws[-2:](features if arguments.map_layers == "bf16" else features.float())
            on_data, on_drawn = judges[:2](data), judges[:2](drawn)
        with autocast():
            on_data, on_drawn = judges[2:](on_data), judges[2:](on_drawn)
        for adam in adams:
            adam.zero_grad(set_to_none=True)
        (loss(on_data, 1.0) + loss(on_drawn, 0.0)).backward(inputs=list(judges.parameters()), retain_graph=True)
        loss(on_drawn, 1.0).backward(inputs=list(draws.parameters()))
        for adam in reversed(adams):
            adam.step()
    synchronise(device)
    return (time.perf_counter() - start) / arguments.steps


def pytorch_generation(folder, arguments):
    """Maps a second in inference mode, written to disk as the trainer writes them."""
    net = generator().to(arguments.device, memory_format=torch.channels_last).eval()
    with torch.inference_mode():
        net(torch.randn(GENERATED_AT_ONCE, 64, device=arguments.device))
        synchronise(arguments.device)
        start = time.perf_counter()
        batches = range(arguments.generate // GENERATED_AT_ONCE)
        drawn = [net(torch.randn(GENERATED_AT_ONCE, 64, device=arguments.device)).cpu() for _ in batches]
        np.save(folder / "pytorch.npy", torch.cat(drawn).numpy())
    return arguments.generate / (time.perf_counter() - start)


def trainer(folder, arguments, *words):
    command = [arguments.trainer, *map(str, words), "--device", arguments.device]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def trainer_step(folder, arguments, round_number):
    run, steps = f"run-{round_number}", WARM_UP + arguments.steps
    (folder / "config.toml").write_text(
        f"steps = {steps}\nbatch_size = {arguments.batch}\nlog_every = {WARM_UP}\nsample_every = 0\ncheckpoint_every = {10 * steps}\n"
    )
    trainer(folder, arguments, "train", "--config", "config.toml", "--data", "maps.npy", "--side-angle", 0.865,
            "--out", run, "--precision", arguments.precision)
    lines = [json.loads(line) for line in (folder / run / "log.jsonl").read_text().splitlines()]
    # Each line is a mean over WARM_UP steps, and the first one is the warm-up.
    return statistics.mean(line["step_seconds"] for line in lines if line["kind"] == "progress" and line["step"] > WARM_UP)


def trainer_generation(folder, arguments):
    told = trainer(folder, arguments, "generate", "--weights", "weights", "--count", arguments.generate, "--out", "ours.npy", "--force")
    return float(re.search(r"([\d.]+) maps/s", told)[1])


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("trainer", type=lambda path: str(pathlib.Path(path).resolve()))
parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
parser.add_argument("--precision", default="f32", choices=["f32", "bf16"])
parser.add_argument("--map-layers", default="f32", choices=["f32", "bf16"], help="PyTorch's arithmetic next to the map in bf16 runs")
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--steps", type=int, default=50, help="a multiple of 5")
parser.add_argument("--generate", type=int, default=256, help="maps to generate, a multiple of 16")
parser.add_argument("--rounds", type=int, default=3)
arguments = parser.parse_args()
torch.backends.cudnn.benchmark = True

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    maps = (0.02 * np.random.default_rng(1).standard_normal((4 * arguments.batch, 1, 256, 256))).astype("<f4")
    np.save(folder / "maps.npy", maps)
    rows = {"seconds a step": ([], []), "maps a second": ([], [])}
    for number in range(arguments.rounds):
        rows["seconds a step"][0].append(trainer_step(folder, arguments, number))
        rows["seconds a step"][1].append(pytorch_step(maps, arguments))
        if number == 0:
            export = [arguments.trainer, "export", "--run", "run-0", "--out", "weights"]
            subprocess.run(export, cwd=folder, check=True, capture_output=True)
        rows["maps a second"][0].append(trainer_generation(folder, arguments))
        rows["maps a second"][1].append(pytorch_generation(folder, arguments))
    where = torch.cuda.get_device_name() if arguments.device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{where}, {arguments.precision}, batches of {arguments.batch}, PyTorch {torch.__version__}, {arguments.rounds} rounds")
    for what, (ours, theirs) in rows.items():
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        print(f"{what:>16}: trainer {ours:.4g}, PyTorch {theirs:.4g}, ratio {ours / theirs:.3f}")
