"""Writes generators as people save them from PyTorch, and what one of them draws, for tests of `trainer import --pytorch`.

usage: state_dicts.py FOLDER

Reads FOLDER/latents.f32 [2, 64]; writes the files below; FOLDER/ours.f32 and FOLDER/theirs.f32, two maps each of the generator under
our names and of cosmogan_pytorch's (github.com/vmos1/cosmogan_pytorch, whose layers are written anew here); and FOLDER/files.json: for
each file whose maps it draws, or the words of the message that refuses it.
"""

import collections
import io
import json
import os
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(sys.argv[1])
CHANNELS, SIDE, LATENT = 8, 64, 64
torch.manual_seed(1)


class Ours(nn.Module):
    """Table 1 with few channels, under the names of `trainer export`."""

    def __init__(self, kernel=5, latent=LATENT):
        super().__init__()
        top, self.side = CHANNELS * 8, SIDE // 16
        self.fc = nn.Linear(latent, top * self.side**2)
        for at in range(4):
            setattr(self, f"bn{at}", nn.BatchNorm2d(top >> at))
            out = 1 if at == 3 else top >> (at + 1)
            setattr(self, f"deconv{at + 1}", nn.ConvTranspose2d(top >> at, out, kernel, 2, 2, 1))

    def forward(self, z):
        x = torch.relu(self.bn0(self.fc(z).view(len(z), -1, self.side, self.side)))
        for at in (1, 2, 3):
            x = torch.relu(getattr(self, f"bn{at}")(getattr(self, f"deconv{at}")(x)))
        return torch.tanh(self.deconv4(x))


class Discriminator(nn.Module):
    """Table 2 with few channels."""

    def __init__(self):
        super().__init__()
        channels = [1] + [CHANNELS << at for at in range(4)]
        for at in range(1, 5):
            setattr(self, f"conv{at}", nn.Conv2d(channels[at - 1], channels[at], 5, 2, 2))
            if at > 1:
                setattr(self, f"bn{at}", nn.BatchNorm2d(channels[at]))
        self.fc = nn.Linear(channels[4] * (SIDE // 16) ** 2, 1)


class View(nn.Module):
    def forward(self, x):
        return x.view(-1, CHANNELS * 8, SIDE // 16, SIDE // 16)


def theirs(kernel=5, latent=LATENT, convolution=nn.ConvTranspose2d):
    """cosmogan_pytorch's generator: no biases, one channel for the first batch normalisation."""
    top = CHANNELS * 8
    layers = [nn.Linear(latent, top * (SIDE // 16) ** 2), nn.BatchNorm2d(1), nn.ReLU(), View()]
    for at in range(4):
        out = 1 if at == 3 else top >> (at + 1)
        layers.append(convolution(top >> at, out, kernel, 2, 2, 1, bias=False))
        layers += [nn.Tanh()] if at == 3 else [nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(collections.OrderedDict(main=nn.Sequential(*layers)))


def their_discriminator(maps=1):
    layers, inputs = [], maps
    for at in range(4):
        layers += [nn.Conv2d(inputs, CHANNELS << at, 5, 2, 2), nn.BatchNorm2d(CHANNELS << at), nn.LeakyReLU(0.2)]
        inputs = CHANNELS << at
    return nn.Sequential(collections.OrderedDict(main=nn.Sequential(*layers, nn.Flatten(), nn.Linear(CHANNELS * 8 * 16, 1))))


def settled(network):
    """Running statistics and scales that matter, signals that do not die out."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.3, 0.9)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
        elif isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, (6.25 * module.weight.shape[0]) ** -0.5)
    return network.eval()


class Code:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {FOLDER / 'was-run'}",)


latents = torch.from_numpy(np.fromfile(FOLDER / "latents.f32", "<f4").reshape(2, LATENT))
own, other, judge = settled(Ours()), settled(theirs()), settled(Discriminator())
with torch.no_grad():
    own(latents).numpy().astype("<f4").tofile(FOLDER / "ours.f32")
    other(latents.view(2, 1, 1, LATENT)).numpy().astype("<f4").tofile(FOLDER / "theirs.f32")

files = {}


def put(name, value, expected, **options):
    torch.save(value, FOLDER / name, **options)
    files[name] = expected


def with_prefix(prefix, network):
    return {prefix + name: tensor for name, tensor in network.state_dict().items()}


state, half = own.state_dict(), {name: value.to(torch.bfloat16) for name, value in own.state_dict().items() if value.is_floating_point()}
save_file(state, FOLDER / "ours.safetensors")
files["ours.safetensors"] = "ours"
put("ours.pt", state, "ours")
put("old.pt", state, "ours", _use_new_zipfile_serialization=False)
put("wrapped.pth", with_prefix("module._orig_mod.", own), "ours")
put("both.pt", {"generator": state, "discriminator": judge.state_dict(), "step": 3}, "ours with discriminator")
put("parameters.pt", dict(own.named_parameters()) | dict(own.named_buffers()), "ours")
put("transposed.pt", state | {"fc.weight": state["fc.weight"].t().contiguous().t()}, "ours")
history = {"history": torch.ones(3, 1).expand(3, 5), "far": torch.ones(1).expand(1 << 40)}
put("expanded.pt", {"state_dict": state, **history}, "ours")
put("double.pt", {name: value.double() if value.is_floating_point() else value for name, value in state.items()}, "ours")
put("bfloat16.pt", half, "ours roughly")

adam = torch.optim.Adam(other.parameters())
other(latents.view(2, 1, 1, LATENT)).sum().backward()
adam.step, _ = (lambda: None), adam.step
checkpoint = {
    "epoch": 3,
    "iters": 99,
    "best_chi1": np.float64(0.5),
    "best_chi2": torch.tensor(0.25),
    "G_state": other.state_dict(),
    "D_state": settled(their_discriminator()).state_dict(),
    "optimizerG_state_dict": adam.state_dict(),
    "optimizerD_state_dict": adam.state_dict(),
}
put("checkpoint_last.tar", checkpoint, "theirs")
put("checkpoint_old.tar", checkpoint, "theirs", _use_new_zipfile_serialization=False)

put("kernel-4.pt", theirs(kernel=4).state_dict(), "4 x 4")
put("cubes.pt", theirs(convolution=nn.ConvTranspose3d).state_dict(), "3D variant")
conditional = {"G_state": theirs(latent=LATENT + 1).state_dict(), "D_state": their_discriminator(maps=2).state_dict()}
put("conditional.tar", conditional, "conditional")
embedded = theirs().state_dict() | {"main.5.embed.weight": torch.zeros(1, 4)}
put("embedded.pt", embedded, "conditional")
put("missing.pt", {name: value for name, value in state.items() if name != "bn2.running_var"}, "lacks bn2.running_var")
put("narrow.pt", state | {"deconv2.bias": torch.zeros(3)}, "deconv2.bias has shape [3]")
put("integers.pt", state | {"deconv2.bias": torch.zeros(16, dtype=torch.int32)}, "lacks deconv2.bias")
put("nan.pt", state | {"deconv2.bias": torch.full((16,), torch.nan)}, "not finite")
put("resnet.pt", nn.Sequential(nn.Linear(3, 4)).state_dict(), "holds no generator")
put("two.pt", {"a": state, "b": other.state_dict()}, "choose one with --state, a or b")
negative = torch.complex(torch.zeros_like(state["fc.bias"]), -state["fc.bias"]).conj().imag
assert negative.is_neg()
put("negative.pt", state | {"fc.bias": negative}, "resolve_neg")
put("half-too-large.pt", state | {"fc.bias": 1e8 * torch.ones_like(state["fc.bias"])}, "--precision f32")
put("variance.pt", state | {"bn2.running_var": -torch.ones(16)}, "no variance is negative")
put("numbers.pt", [1, 2, 3], "no dictionary of tensors")
put("model.pt", own, "__main__.Ours")
put("code.pt", {"fc.weight": Code()}, "posix.system")
put("code-old.pt", {"fc.weight": Code()}, "posix.system", _use_new_zipfile_serialization=False)

whole = (FOLDER / "ours.pt").read_bytes()
(FOLDER / "cut.pt").write_bytes(whole[: len(whole) // 2])
files["cut.pt"] = "damaged or cut off"
old = (FOLDER / "old.pt").read_bytes()
(FOLDER / "cut-old.pt").write_bytes(old[: len(old) // 2])
files["cut-old.pt"] = "beyond the end"
(FOLDER / "plain.pkl").write_bytes(pickle.dumps({"a": 1}))
files["plain.pkl"] = "none that torch.save writes"
(FOLDER / "text.pt").write_text("weights")
files["text.pt"] = "neither what torch.save writes nor safetensors"
with zipfile.ZipFile(FOLDER / "zip.pt", "w") as archive:
    archive.writestr("maps.npy", b"")
files["zip.pt"] = "zip without data.pkl"
bytes_of = io.BytesIO((FOLDER / "ours.safetensors").read_bytes())
(FOLDER / "cut.safetensors").write_bytes(bytes_of.getvalue()[:-9])
files["cut.safetensors"] = "damaged or cut off"

(FOLDER / "files.json").write_text(json.dumps(files, indent=1))
